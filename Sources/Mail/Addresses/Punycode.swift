/// RFC 3492 with the parameters of its §5. Labels only: the caller knows about `xn--` and dots.
package enum Punycode {
    /// Far beyond any label, and short enough that no number of the encoder can overflow (§6.4).
    private static let limit = 1024

    /// The ASCII form of a label, without `xn--`; nil for one of absurd length.
    package static func encode(_ label: String) -> String? {
        let scalars = label.unicodeScalars.map(\.value)
        guard scalars.count <= limit else { return nil }
        var output = scalars.filter { $0 < 128 }.map { UInt8($0) }
        let basicCount = output.count
        if basicCount > 0 { output.append(45) }
        var state = State()
        var handled = basicCount
        while handled < scalars.count {
            guard let next = scalars.filter({ $0 >= state.scalar }).min() else { return nil }
            state.delta += (next - state.scalar) * UInt32(handled + 1)
            state.scalar = next
            for scalar in scalars {
                if scalar < next { state.delta += 1 }
                if scalar == next {
                    state.write(into: &output)
                    state.adapt(to: UInt32(handled + 1), isFirst: handled == basicCount)
                    handled += 1
                }
            }
            state.delta += 1
            state.scalar += 1
        }
        return String(octets: output.span)
    }

    /// The Unicode form of a label without its `xn--`; nil for what no encoder writes.
    package static func decode(_ label: String) -> String? {
        let input = Array(label.utf8)
        guard input.count <= 4 * limit, input.allSatisfy({ $0 < 128 }) else { return nil }
        let hyphen = input.lastIndex(of: 45)
        var scalars = input[..<(hyphen ?? 0)].map { UInt32($0) }
        var state = State()
        var position = hyphen.map { $0 + 1 } ?? 0
        while position < input.count {
            guard let number = state.read(input, at: &position) else { return nil }
            let count = UInt32(scalars.count + 1)
            let (place, overflow) = state.place.addingReportingOverflow(number)
            guard !overflow else { return nil }
            state.delta = number
            state.adapt(to: count, isFirst: state.isFresh)
            state.isFresh = false
            state.place = place % count
            let (scalar, isTooHigh) = state.scalar.addingReportingOverflow(place / count)
            guard !isTooHigh, Unicode.Scalar(scalar) != nil else { return nil }
            state.scalar = scalar
            scalars.insert(scalar, at: Int(state.place))
            state.place += 1
        }
        var text = String.UnicodeScalarView()
        for scalar in scalars { Unicode.Scalar(scalar).map { text.append($0) } }
        return String(text)
    }
}

/// The state machine of §3: a position that runs through the label again and again.
private struct State {
    var scalar: UInt32 = 128
    var delta: UInt32 = 0
    var bias: UInt32 = 72
    var place: UInt32 = 0
    var isFresh = true

    private static let base: UInt32 = 36
    private static let digits = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)

    private func threshold(_ weight: UInt32) -> UInt32 {
        weight <= bias ? 1 : min(weight - bias, 26)
    }

    /// A generalized variable-length integer, §3.3.
    func write(into output: inout [UInt8]) {
        var rest = delta
        var weight = Self.base
        while rest >= threshold(weight) {
            let threshold = threshold(weight)
            let span = Self.base - threshold
            output.append(Self.digits[Int(threshold + (rest - threshold) % span)])
            rest = (rest - threshold) / span
            weight += Self.base
        }
        output.append(Self.digits[Int(rest)])
    }

    func read(_ input: [UInt8], at position: inout Int) -> UInt32? {
        var number: UInt32 = 0
        var unit: UInt32 = 1
        var weight = Self.base
        while position < input.count {
            guard let digit = Self.digits.firstIndex(of: input[position].lowered) else {
                return nil
            }
            position += 1
            let (part, isTooHigh) = UInt32(digit).multipliedReportingOverflow(by: unit)
            let (sum, isTooFar) = number.addingReportingOverflow(part)
            guard !isTooHigh, !isTooFar else { return nil }
            number = sum
            if digit < threshold(weight) { return number }
            let (next, overflow) = unit.multipliedReportingOverflow(
                by: Self.base - threshold(weight)
            )
            guard !overflow else { return nil }
            unit = next
            weight += Self.base
        }
        return nil
    }

    /// §6.1.
    mutating func adapt(to count: UInt32, isFirst: Bool) {
        var rest = isFirst ? delta / 700 : delta / 2
        rest += rest / count
        var steps: UInt32 = 0
        while rest > 455 {
            rest /= 35
            steps += Self.base
        }
        bias = steps + 36 * rest / (rest + 38)
        delta = 0
    }
}
