// swift-tools-version: 6.2
import PackageDescription

/// Every room is built alike: Swift 6, and imports that name what they use.
func room(
    _ name: String,
    _ dependencies: [Target.Dependency],
    resources: [Resource] = [],
    strict: Bool = false
) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        resources: resources,
        swiftSettings: settings(strict: strict)
    )
}

func tests(of name: String, _ others: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.init(stringLiteral: name)] + others,
        swiftSettings: settings()
    )
}

/// `strict` also checks memory safety: the pure rooms have no use for the word `unsafe`.
func settings(strict: Bool = false) -> [SwiftSetting] {
    let features: [SwiftSetting] = [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]
    return strict ? features + [.strictMemorySafety()] : features
}

let package = Package(
    name: "postern",
    products: [
        .executable(name: "postern", targets: ["postern"]),
        .executable(name: "PosternBench", targets: ["PosternBench"]),
    ],
    targets: [
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CSQLite",
            pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"])]
        ),
        .systemLibrary(name: "CLinux"),

        room("Crypto", ["COpenSSL"]),
        room("Net", ["CLinux", "COpenSSL"]),
        room("Mail", ["Crypto"], strict: true),
        room("Wire", ["Mail"], strict: true),
        room("Policy", ["Mail"], strict: true),
        room("Store", ["Mail", "Crypto", "Policy", "CSQLite"]),
        room("Delivery", ["Net", "Wire", "Mail", "Crypto", "Policy", "Store"]),
        room(
            "Gateway",
            ["Net", "Wire", "Mail", "Crypto", "Policy", "Store", "Delivery", "CLinux"],
            // A link to the document at the top: the server shows what the repository shows.
            resources: [.embedInCode("openapi.yaml")]
        ),
        .executableTarget(
            name: "postern",
            dependencies: ["Gateway"],
            swiftSettings: settings()
        ),
        .executableTarget(
            name: "PosternBench",
            dependencies: ["postern", "Net", "Wire", "CSQLite"],
            swiftSettings: settings()
        ),

        .target(name: "Oracles", path: "Tests/Oracles", swiftSettings: settings()),
        tests(of: "Crypto", ["Oracles"]),
        tests(of: "Net"),
        tests(of: "Mail", ["Crypto", "Oracles"]),
        tests(of: "Wire", ["Mail", "Oracles"]),
        tests(of: "Policy", ["Mail"]),
        tests(of: "Store", ["CSQLite", "Mail", "Policy"]),
        tests(of: "Delivery", ["Net", "Wire", "Mail", "Policy", "Store"]),
        tests(of: "Gateway", ["Net", "Wire", "Mail", "Policy", "Store", "Delivery"]),
    ]
)
