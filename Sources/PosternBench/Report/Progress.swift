import Glibc

/// What happens meanwhile, told to whoever waits; the report alone is standard output.
enum Progress {
    static func say(_ text: String) {
        let octets = Array((text + "\n").utf8)
        write(STDERR_FILENO, octets, octets.count)
    }
}
