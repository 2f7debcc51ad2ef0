import Testing

@testable import Gateway

@Suite("Durations and sizes")
struct QuantityTests {
    static let durations: [(String, Duration)] = [
        ("0s", .zero), ("90s", .seconds(90)), ("5m", .seconds(300)), ("2d", .seconds(172_800)),
        ("4h", .seconds(14_400)), ("1w", .seconds(604_800)), ("250ms", .milliseconds(250)),
    ]

    @Test(
        "a duration is a number and a unit, and is printed in the largest that fits",
        arguments: durations
    )
    func duration(text: String, expected: Duration) {
        #expect(Quantity.duration(text) == expected)
        #expect(Quantity.duration(Quantity.text(expected)) == expected)
    }

    @Test("durations print as people write them")
    func printing() {
        let cases: [(Duration, String)] = [
            (.seconds(90), "90s"), (.seconds(120), "2m"), (.seconds(86_400), "1d"),
            (.seconds(604_800), "7d"), (.seconds(5400), "90m"), (.milliseconds(1500), "1500ms"),
            (.zero, "0s"),
        ]
        for (duration, text) in cases { #expect(Quantity.text(duration) == text) }
    }

    @Test(
        "anything else is no duration",
        arguments: [
            "", "5", "m", "5M", "5 m", " 5m", "5m ", "-5m", "+5m", "1.5h", "5min", "٥m", "5mm",
            "9223372036854775807d", "99999999999999999999s",
        ]
    )
    func noDuration(text: String) {
        #expect(Quantity.duration(text) == nil)
    }

    static let sizes: [(String, Int)] = [
        ("0", 0), ("512", 512), ("512B", 512), ("256KB", 262_144), ("36MB", 37_748_736),
        ("1GB", 1 << 30), ("2TB", 2 << 40), ("36mb", 37_748_736), ("7TB", 7 << 40),
    ]

    @Test("a size counts in powers of two, MB is 2²⁰", arguments: sizes)
    func size(text: String, expected: Int) {
        #expect(Quantity.octets(text) == expected)
    }

    @Test(
        "anything else is no size",
        arguments: [
            "", "MB", "-1", "1.5MB", "36 MB", "36MiB", "36M", "36MBs", "9223372036854775807KB",
            "8388608TB", "99999999999999999999",
        ]
    )
    func noSize(text: String) {
        #expect(Quantity.octets(text) == nil)
    }
}
