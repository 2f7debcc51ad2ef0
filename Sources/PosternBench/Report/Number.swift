/// Numbers as a table shows them.
enum Number {
    /// `12,345`; small ones keep a decimal.
    static func grouped(_ value: Double) -> String {
        guard value >= 100 else { return fixed(value, 1) }
        var text = ""
        for (place, digit) in String(Int(value.rounded())).reversed().enumerated() {
            if place > 0, place % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    static func fixed(_ value: Double, _ places: Int) -> String {
        var scale = 1
        for _ in 0..<places { scale *= 10 }
        let whole = Int((value * Double(scale)).rounded())
        guard places > 0 else { return String(whole) }
        let fraction = String(whole % scale)
        let zeros = String(repeating: "0", count: places - fraction.count)
        return "\(whole / scale).\(zeros)\(fraction)"
    }

    static func milliseconds(_ value: Double?) -> String {
        value.map { "\(fixed($0, 2)) ms" } ?? "–"
    }

    static func megabytes(_ value: Double) -> String { "\(fixed(value, 1)) MB" }

    static func percent(_ value: Double) -> String { "\(fixed(100 * value, 0)) %" }

    static func times(_ value: Double) -> String { "×\(fixed(value, 1))" }
}
