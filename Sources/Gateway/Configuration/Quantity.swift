/// Durations and sizes as the configuration and the command line write them.
enum Quantity {
    /// Longer than anyone waits, and short enough to be added to any moment.
    private static let longest = Duration.seconds(100 * 366 * 86_400)

    /// `90s`, `5m`, `2d`, `250ms`, of at most a century; nil for anything else.
    static func duration(_ text: String) -> Duration? {
        guard let (number, unit) = split(text) else { return nil }
        let milliseconds: Int64? =
            switch unit {
            case "ms": 1
            case "s": 1000
            case "m": 60_000
            case "h": 3_600_000
            case "d": 86_400_000
            case "w": 604_800_000
            default: nil
            }
        guard let milliseconds else { return nil }
        let (product, overflows) = number.multipliedReportingOverflow(by: milliseconds)
        guard !overflows, .milliseconds(product) <= longest else { return nil }
        return .milliseconds(product)
    }

    /// `512`, `256KB`, `36MB`, `1GB` in octets; MB is 2²⁰. Nil for anything else.
    static func octets(_ text: String) -> Int? {
        guard let (number, unit) = split(text) else { return nil }
        let shift: Int? =
            switch unit.uppercased() {
            case "", "B": 0
            case "KB": 10
            case "MB": 20
            case "GB": 30
            case "TB": 40
            default: nil
            }
        guard let shift, number <= Int64.max >> Int64(shift) else { return nil }
        return Int(number << Int64(shift))
    }

    private static func split(_ text: String) -> (number: Int64, unit: Substring)? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits) else { return nil }
        return (number, text[digits.endIndex...])
    }

    /// The largest unit that leaves a whole number: `90s`, `5m`.
    static func text(_ duration: Duration) -> String {
        let milliseconds =
            duration.components.seconds * 1000
            + duration.components.attoseconds / 1_000_000_000_000_000
        let units: [(Int64, String)] = [
            (86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"),
        ]
        for (size, unit) in units where milliseconds != 0 && milliseconds % size == 0 {
            return "\(milliseconds / size)\(unit)"
        }
        return milliseconds == 0 ? "0s" : "\(milliseconds)ms"
    }
}
