// The entry of libFuzzer. POSTERN_FUZZ names the reader that is fed.
//
// An input is a seed for the cuts and the octets to feed. Each is read twice, whole and cut: a reader
// that answers differently has let the network decide, and one that stops the process has a fault.

import Foundation

private let subject: @Sendable ([UInt8], Cuts) -> Void = {
    switch ProcessInfo.processInfo.environment["POSTERN_FUZZ"] {
    case "smtp": feedSMTP
    case "json": feedJSON
    case "http": feedHTTP
    case "peers": feedPeers
    default: fatalError("set POSTERN_FUZZ to smtp, json, http or peers")
    }
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let input = UnsafeBufferPointer(start: data, count: count)
    subject(Array(input.dropFirst()), Cuts(seed: input[0]))
    return 0
}

/// How the octets arrive: in one piece for seed 0, else in pieces of 1 to 8.
struct Cuts {
    let seed: UInt8
    static let whole = Cuts(seed: 0)

    func pieces(of octets: [UInt8]) -> [[UInt8]] {
        guard seed > 0 else { return [octets] }
        var pieces: [[UInt8]] = []
        var state = UInt32(seed)
        var rest = octets[...]
        while !rest.isEmpty {
            state = state &* 1_664_525 &+ 1_013_904_223
            let piece = rest.prefix(1 + Int(state >> 29))
            pieces.append(Array(piece))
            rest = rest.dropFirst(piece.count)
        }
        return pieces
    }
}

func demand(_ isTrue: Bool, _ promise: String) {
    guard !isTrue else { return }
    FileHandle.standardError.write(Data("broken promise: \(promise)\n".utf8))
    abort()
}
