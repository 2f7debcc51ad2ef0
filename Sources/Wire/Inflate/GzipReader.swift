/// Decompresses gzip, RFC 1952, with any number of members, however its octets are cut; checks
/// length and checksum of each.
package struct GzipReader: Sendable {
    private enum Stage: Sendable {
        case header
        case content
        case trailer
    }

    /// Of all members together, decompressed.
    private let limit: Int
    private var stage = Stage.header
    private var header = GzipHeader()
    private var inflater = Inflater()
    private var checksum = Checksum32()
    private var trailer: [UInt8] = []
    private var total = 0
    private var memberOctets = 0
    private var members = 0

    /// `limit`: more octets than this never come out.
    package init(limit: Int) { self.limit = limit }

    /// Appends to `output` until the input is used up, or `room` octets or at most 257 more have
    /// been appended. Returns how many octets of the input were used: call again with the rest.
    package mutating func inflate(
        _ input: Span<UInt8>,
        into output: inout [UInt8],
        upTo room: Int = .max
    ) throws(InflateError) -> Int {
        let before = output.count
        var used = 0
        while used < input.count, output.count - before < room {
            switch stage {
            case .header:
                try header.receive(input[used])
                used += 1
                if header.isDone { beginMember() }
            case .content:
                used += try inflateContent(
                    input.extracting(used..<input.count),
                    into: &output,
                    upTo: room - (output.count - before)
                )
            case .trailer:
                trailer.append(input[used])
                used += 1
                if trailer.count == 8 { try endMember() }
            }
        }
        return used
    }

    /// Call it behind the last octet: throws if the stream is incomplete.
    package func finish() throws(InflateError) {
        guard members > 0, case .header = stage, !header.isStarted else { throw .truncated }
    }

    /// The whole of a stream that is at hand.
    package static func inflate(
        _ input: Span<UInt8>,
        limit: Int
    ) throws(InflateError) -> [UInt8] {
        var reader = GzipReader(limit: limit)
        var output: [UInt8] = []
        _ = try reader.inflate(input, into: &output)
        try reader.finish()
        return output
    }

    private mutating func beginMember() {
        inflater.reset()
        checksum = Checksum32()
        memberOctets = 0
        stage = .content
    }

    private mutating func inflateContent(
        _ input: Span<UInt8>,
        into output: inout [UInt8],
        upTo room: Int
    ) throws(InflateError) -> Int {
        let before = output.count
        let allowed = limit - total
        let used = try inflater.inflate(
            input,
            into: &output,
            upTo: allowed < room ? allowed + 1 : room
        )
        let count = output.count - before
        guard count <= allowed else {
            output.removeLast(count - allowed)
            throw .tooLarge(limit: limit)
        }
        checksum.update(output.span.extracting(before..<output.count))
        total += count
        memberOctets += count
        if inflater.isFinished {
            trailer.removeAll(keepingCapacity: true)
            stage = .trailer
        }
        return used
    }

    /// CRC32 and ISIZE, RFC 1952 §2.3.1.
    private mutating func endMember() throws(InflateError) {
        let numbers = [trailer[0..<4], trailer[4..<8]].map {
            $0.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        guard numbers[0] == checksum.value else {
            throw .corrupt("the checksum of the gzip content is wrong")
        }
        guard numbers[1] == UInt32(truncatingIfNeeded: memberOctets) else {
            throw .corrupt("the length of the gzip content is wrong")
        }
        members += 1
        header = GzipHeader()
        stage = .header
    }
}
