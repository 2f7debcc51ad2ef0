import Glibc
import Mail
import Testing

@testable import Gateway

/// A folder of its own, removed at the end.
private final class Folder {
    let path: String

    init() {
        var name = Array("/var/tmp/postern-log-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { fatalError("no temporary directory") }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    var names: [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { start in
                String(cString: UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self))
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    func text(of name: String) -> String {
        guard let file = fopen("\(path)/\(name)", "r") else { return "" }
        defer { fclose(file) }
        var octets = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&octets, 1, octets.count, file)
        return String(decoding: octets[..<count], as: UTF8.self)
    }
}

@Suite("The files of the protocol log")
struct ProtocolLogTests {
    private static func day(_ day: Int) -> Timestamp {
        Counter.start + .seconds(86_400 * day)
    }

    private static func line(_ count: Int) -> [UInt8] {
        Array(String(repeating: "x", count: count - 2).utf8) + [13, 10]
    }

    @Test("each begins with the five lines that readers of Exchange's logs know")
    func header() {
        let folder = Folder()
        var files = ProtocolLogFiles(directory: folder.path)
        #expect(files.write(Self.line(10), at: Self.day(0)) == nil)
        #expect(folder.names == ["RECV20231114-0001.log"])
        let lines = folder.text(of: "RECV20231114-0001.log").split(separator: "\r\n")
        #expect(
            lines.map { $0.prefix { $0 != ":" } }
                == ["#Software", "#Version", "#Log-Type", "#Date", "#Fields", "xxxxxxxx"]
        )
        let columns =
            "date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint"
        #expect(lines.dropFirst(4).first == "#Fields: \(columns),event,data,context")
    }

    @Test("a full file is followed by the next, a day by another, and a restart goes on")
    func rotation() {
        let folder = Folder()
        let bounds = ProtocolLogFiles.Bounds(file: 1000)
        var files = ProtocolLogFiles(directory: folder.path, bounds: bounds)
        for _ in 0..<3 { #expect(files.write(Self.line(500), at: Self.day(0)) == nil) }
        #expect(folder.names == ["RECV20231114-0001.log", "RECV20231114-0002.log"])
        files = ProtocolLogFiles(directory: folder.path, bounds: bounds)
        #expect(files.write(Self.line(10), at: Self.day(0)) == nil)
        #expect(folder.names == ["RECV20231114-0001.log", "RECV20231114-0002.log"])
        #expect(folder.text(of: "RECV20231114-0002.log").contains("xxxxxxxx\r\n"))
        #expect(files.write(Self.line(10), at: Self.day(1)) == nil)
        #expect(folder.names.last == "RECV20231115-0001.log")
    }

    @Test("the oldest go when they are too old or too many")
    func bounds() {
        let folder = Folder()
        var files = ProtocolLogFiles(
            directory: folder.path,
            bounds: .init(file: 1000, directory: 3000, age: .seconds(86_400 * 10))
        )
        for _ in 0..<5 { _ = files.write(Self.line(900), at: Self.day(0)) }
        #expect(folder.names == ["RECV20231114-0004.log", "RECV20231114-0005.log"])
        _ = files.write(Self.line(10), at: Self.day(11))
        #expect(folder.names == ["RECV20231125-0001.log"])
    }

    @Test("a file that was moved away or removed is followed by another")
    func externalRotation() {
        let folder = Folder()
        var files = ProtocolLogFiles(directory: folder.path)
        #expect(files.write(Self.line(10), at: Self.day(0)) == nil)
        rename("\(folder.path)/RECV20231114-0001.log", "\(folder.path)/moved")
        #expect(files.write(Self.line(12), at: Self.day(0)) == nil)
        #expect(folder.names == ["RECV20231114-0001.log", "moved"])
        #expect(folder.text(of: "RECV20231114-0001.log").hasSuffix("\r\nxxxxxxxxxx\r\n"))
        unlink("\(folder.path)/RECV20231114-0001.log")
        #expect(files.write(Self.line(14), at: Self.day(0)) == nil)
        #expect(folder.text(of: "RECV20231114-0001.log").hasSuffix("\r\nxxxxxxxxxxxx\r\n"))
    }

    @Test("on a full disk no file is made for each try")
    func fullDisk() {
        let folder = Folder()
        symlink("/dev/full", "\(folder.path)/RECV20231114-0001.log")
        var files = ProtocolLogFiles(directory: folder.path)
        for _ in 0..<5 {
            let problem = files.write(Self.line(50), at: Self.day(0))
            #expect(problem?.hasSuffix("0001.log: No space left on device") == true)
        }
        #expect(folder.names == ["RECV20231114-0001.log"])
    }

    @Test("a folder that cannot be written is told, not fatal")
    func trouble() {
        var files = ProtocolLogFiles(directory: "/proc/nothing")
        #expect(files.write(Self.line(10), at: Self.day(0))?.contains("/proc/nothing") == true)
    }

    static let fields: [(text: String, written: String)] = [
        ("EHLO x", "EHLO x"), ("", ""), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""),
        ("a\r\nb", "\"a\r\nb\""), ("=cmd()", "\"'=cmd()\""), ("@SUM", "\"'@SUM\""),
        // A combining mark makes one character of two, for Swift.
        ("x,\u{301}y\"\u{301}", "\"x,\u{301}y\"\"\u{301}\""), ("=\u{301}", "\"'=\u{301}\""),
        ("caf\u{e9}", "\"caf\u{e9}\""), ("a\u{2028}\u{9b}\u{202e}b", "\"a???b\""),
    ]

    @Test("a field is quoted where it must, and no formula in a spreadsheet", arguments: fields)
    func field(text: String, written: String) {
        #expect(ProtocolLogSession.field(text) == written)
    }
}
