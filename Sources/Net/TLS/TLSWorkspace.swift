import COpenSSL
import Glibc

/// The memory behind the BIOs of all TLS sessions of one loop. A session uses it for the length of a
/// call and leaves it empty, so an idle one holds no buffers of ours.
final class TLSWorkspace {
    /// Octets from the wire, to be read by OpenSSL; borrowed from the loop's scratch.
    var input = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Octets for the wire, written by OpenSSL.
    private(set) var output: UnsafeMutableBufferPointer<UInt8>
    private(set) var outputCount = 0
    /// What was decrypted: never more than one scratch and the record that was begun before it.
    let plain = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 128 * 1_024)

    init() { output = .allocate(capacity: 72 * 1_024) }

    deinit {
        output.deallocate()
        plain.deallocate()
    }

    /// What OpenSSL has written since it was last cleared.
    var written: UnsafeBufferPointer<UInt8> { .init(rebasing: output[..<outputCount]) }

    func clearOutput() { outputCount = 0 }

    fileprivate func read(into target: UnsafeMutableRawPointer, _ room: Int) -> Int {
        let count = min(room, input.count)
        guard count > 0, let start = input.baseAddress else { return 0 }
        target.copyMemory(from: start, byteCount: count)
        input = UnsafeRawBufferPointer(rebasing: input[count...])
        return count
    }

    fileprivate func write(_ source: UnsafeRawPointer, _ count: Int) {
        if outputCount + count > output.count { grow(to: outputCount + count) }
        guard let start = output.baseAddress else { return }
        UnsafeMutableRawPointer(start + outputCount).copyMemory(from: source, byteCount: count)
        outputCount += count
    }

    private func grow(to count: Int) {
        let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: count * 2)
        _ = larger.update(fromContentsOf: output[..<outputCount])
        output.deallocate()
        output = larger
    }

    /// A BIO over this memory, owned by the caller. The workspace must outlive its use.
    func makeBIO() -> OpaquePointer? {
        guard let bio = BIO_new(TLSWorkspace.method) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    private nonisolated(unsafe) static let method: OpaquePointer? = {
        let kind = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
        guard let method = BIO_meth_new(kind, "loop memory") else { return nil }
        BIO_meth_set_read(method) { bio, target, room in
            openssl_bio_clear_retry(bio)
            guard let target, let workspace = TLSWorkspace.of(bio) else { return -1 }
            let count = workspace.read(into: target, Int(room))
            guard count > 0 else {
                openssl_bio_retry_read(bio)
                return -1
            }
            return Int32(count)
        }
        BIO_meth_set_write(method) { bio, source, count in
            openssl_bio_clear_retry(bio)
            guard let source, let workspace = TLSWorkspace.of(bio) else { return -1 }
            workspace.write(source, Int(count))
            return count
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return method
    }()

    private static func of(_ bio: OpaquePointer?) -> TLSWorkspace? {
        guard let data = BIO_get_data(bio) else { return nil }
        return Unmanaged<TLSWorkspace>.fromOpaque(data).takeUnretainedValue()
    }
}
