import Testing

/// The same numbers for the same seed, so that a failure can be found again.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: Int) { state = UInt64(bitPattern: Int64(seed)) }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int, of alphabet: [UInt8] = []) -> [UInt8] {
        (0..<count).map { _ in
            alphabet.isEmpty
                ? UInt8.random(in: 0...255, using: &self)
                : alphabet[Int.random(in: 0..<alphabet.count, using: &self)]
        }
    }
}

/// How bytes arrive.
enum Cuts: Sendable, CustomTestStringConvertible {
    case whole
    case everyOctet
    case random(seed: Int)

    static let all: [Cuts] = [.whole, .everyOctet] + (1...5).map { .random(seed: $0) }

    var testDescription: String { "\(self)" }

    func pieces(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var generator = SplitMix(bytes.count)
        if case .random(let seed) = self { generator = SplitMix(seed) }
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let size =
                switch self {
                case .whole: rest.count
                case .everyOctet: 1
                case .random: Int.random(in: 1...min(rest.count, 40), using: &generator)
                }
            pieces.append(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return pieces
    }
}
