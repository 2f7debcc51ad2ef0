import Glibc
import Testing

/// A directory of its own under /tmp.
func temporaryDirectory() throws -> String {
    var template = Array("/tmp/delivery-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer {
        $0.baseAddress.flatMap { mkdtemp($0) } != nil
    }
    try #require(made)
    return String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
}

func temporaryFile(_ text: String) throws -> String {
    let path = try temporaryDirectory() + "/file"
    let file = try #require(fopen(path, "w"))
    fputs(text, file)
    fclose(file)
    return path
}
