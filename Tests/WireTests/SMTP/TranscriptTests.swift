import Testing
import Wire

@Suite("Conversations")
struct TranscriptTests {
    @Test("there are conversations to replay")
    func presence() {
        #expect(Transcript.all.count >= 40)
    }

    @Test("a conversation goes as written, however the network cuts it", arguments: Transcript.all)
    func replay(_ transcript: Transcript) {
        for cuts in Cuts.all { replay(transcript, cuts) }
    }

    private func replay(_ transcript: Transcript, _ cuts: Cuts) {
        var driver = ScriptedDriver(transcript.options)
        let place = Comment("\(transcript.name), \(cuts)")
        for step in transcript.steps {
            switch step {
            case .send(let octets):
                for piece in cuts.pieces(of: octets) { driver.receive(piece) }
            case .expect(let pattern):
                let line = driver.hear()
                #expect(line.map { matches($0, pattern) } == true, "\(place): \(line ?? "silence")")
            case .expectAmong(let pattern):
                let lines = driver.hearReply()
                #expect(lines.contains { matches($0, pattern) }, "\(place): \(lines)")
            case .startTLS:
                #expect(driver.wantsTLS, place)
                driver.startTLS()
            case .kept(let line):
                #expect(driver.nextKept() == line, place)
            case .closed:
                #expect(driver.farewell != nil, place)
            }
        }
        #expect(driver.hear() == nil, "\(place): more was said than written down")
        #expect(driver.nextKept() == nil, "\(place): more was kept than written down")
    }

    /// `*` stands for any text.
    private func matches(_ line: String, _ pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1 else { return line == pattern }
        guard line.hasPrefix(parts[0]) else { return false }
        var rest = line.dropFirst(parts[0].count)
        for part in parts.dropFirst().dropLast() {
            guard let found = rest.firstRange(of: part) else { return false }
            rest = rest[found.upperBound...]
        }
        return rest.hasSuffix(parts[parts.count - 1])
    }
}
