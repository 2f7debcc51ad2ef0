import Glibc

enum TextFile {
    /// Empty when it cannot be read.
    static func read(_ path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var whole: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(file, &piece, piece.count)
            guard count > 0 else { return String(decoding: whole, as: UTF8.self) }
            whole += piece[..<count]
        }
    }

    static func write(_ text: String, to path: String, mode: mode_t = 0o644) throws(Invalid) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw Invalid("\(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        let octets = Array(text.utf8)
        guard Glibc.write(file, octets, octets.count) == octets.count else {
            throw Invalid("\(path): \(String(cString: strerror(errno)))")
        }
    }
}
