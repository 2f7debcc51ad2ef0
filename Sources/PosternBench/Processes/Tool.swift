import Glibc

/// Programs of the machine.
enum Tool {
    /// The path of an installed program; nil when it is not installed.
    static func find(_ name: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        // What administrators run is often outside of others' path.
        let places = "\(path):/usr/sbin:/usr/local/sbin:/sbin".split(separator: ":")
        return places.lazy.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// A program that was built beside this one.
    static func beside(_ name: String) throws(Invalid) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let own = String(decoding: buffer.prefix(max(0, count)).map(UInt8.init), as: UTF8.self)
        let path = own.prefix(upTo: own.lastIndex(of: "/") ?? own.startIndex) + "/" + name
        guard access(String(path), X_OK) == 0 else {
            throw Invalid("there is no \(path); build it in the same configuration")
        }
        return String(path)
    }
}
