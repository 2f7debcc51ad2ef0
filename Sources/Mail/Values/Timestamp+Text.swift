extension Timestamp {
    /// A date and time as RFC 3339 §5.6 writes them, with `T` or a space between; nil for anything
    /// else. Digits beyond milliseconds are dropped; second 60 is the next minute's first.
    package init?(rfc3339 text: some StringProtocol) {
        let text = String(text)
        self.init(rfc3339: text.utf8.span)
    }

    package init?(rfc3339 text: Span<UInt8>) {
        var digits = DigitReader()
        guard let year = digits.number(4, in: text), digits.skip("-", in: text),
            let month = digits.number(2, in: text), digits.skip("-", in: text),
            let day = digits.number(2, in: text), digits.skip("T", or: " ", in: text),
            let hour = digits.number(2, in: text), digits.skip(":", in: text),
            let minute = digits.number(2, in: text), digits.skip(":", in: text),
            let second = digits.number(2, in: text),
            (1...12).contains(month), day >= 1, day <= CivilDate.days(in: month, of: year),
            hour < 24, minute < 60, second <= 60,
            let fraction = digits.milliseconds(in: text),
            let offset = digits.offset(in: text), digits.isAtEnd(of: text)
        else { return nil }
        let days = CivilDate(year: Int64(year), month: month, day: day).daysSince1970
        let seconds = days * 86_400 + Int64(hour * 3600 + minute * 60 + second - offset * 60)
        self.init(milliseconds: seconds * 1000 + Int64(fraction))
    }

    /// `2026-11-22T11:09:24.123Z`.
    package var rfc3339: String {
        var text: [UInt8] = []
        text.reserveCapacity(24)
        let (date, time) = civil
        text.appendDecimal(date.year, width: 4)
        text.append(45)
        text.appendDecimal(Int64(date.month), width: 2)
        text.append(45)
        text.appendDecimal(Int64(date.day), width: 2)
        text.append(84)
        text.appendClock(time / 1000)
        text.append(46)
        text.appendDecimal(time % 1000, width: 3)
        text.append(90)
        return String(octets: text.span)
    }

    /// `Sun, 22 Nov 2026 11:09:24 +0000` (RFC 5322 §3.3).
    package var rfc5322: String {
        var text: [UInt8] = []
        text.reserveCapacity(32)
        text.append(rfc5322: self)
        return String(octets: text.span)
    }

    /// The day, and the milliseconds since its midnight.
    fileprivate var civil: (CivilDate, Int64) {
        let day = milliseconds.floored(by: 86_400_000)
        return (CivilDate(daysSince1970: day), milliseconds.remainder(by: 86_400_000))
    }
}

extension [UInt8] {
    private static let weekdays = ["Thu, ", "Fri, ", "Sat, ", "Sun, ", "Mon, ", "Tue, ", "Wed, "]
    private static let months = [
        " Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ", " Jul ", " Aug ", " Sep ", " Oct ",
        " Nov ", " Dec ",
    ]

    mutating func append(rfc5322 moment: Timestamp) {
        let (date, time) = moment.civil
        let days = moment.milliseconds.floored(by: 86_400_000)
        append(Self.weekdays[Int(days.remainder(by: 7))])
        appendDecimal(Int64(date.day), width: 2)
        append(Self.months[date.month - 1])
        appendDecimal(date.year, width: 4)
        append(32)
        appendClock(time / 1000)
        append(" +0000")
    }

    fileprivate mutating func appendClock(_ seconds: Int64) {
        appendDecimal(seconds / 3600, width: 2)
        append(58)
        appendDecimal(seconds / 60 % 60, width: 2)
        append(58)
        appendDecimal(seconds % 60, width: 2)
    }

    /// Decimal digits, padded with zeros to `width`.
    mutating func appendDecimal(_ value: Int64, width: Int = 1) {
        if value < 0 { append(45) }
        let size = value.magnitude
        if width <= 2, size < 100 {
            if width == 2 || size >= 10 { append(48 + UInt8(size / 10)) }
            return append(48 + UInt8(size % 10))
        }
        if width <= 4, (1000..<10_000).contains(size) {
            appendDecimal(Int64(size) / 100, width: 2)
            return appendDecimal(Int64(size) % 100, width: 2)
        }
        var unit: UInt64 = 1
        for _ in 1..<Swift.max(width, 1) { unit *= 10 }
        while size / 10 >= unit { unit *= 10 }
        while unit > 0 {
            append(48 + UInt8(size / unit % 10))
            unit /= 10
        }
    }
}

/// Reads numbers of fixed width from left to right.
private struct DigitReader {
    private var position = 0

    mutating func number(_ width: Int, in text: Span<UInt8>) -> Int? {
        guard position + width <= text.count else { return nil }
        var value = 0
        for index in position..<position + width {
            guard text[index].isDigit else { return nil }
            value = value * 10 + Int(text[index] - 48)
        }
        position += width
        return value
    }

    mutating func skip(
        _ mark: Unicode.Scalar,
        or other: Unicode.Scalar? = nil,
        in text: Span<UInt8>
    )
        -> Bool
    {
        guard position < text.count else { return false }
        let found = Unicode.Scalar(text[position] >= 97 ? text[position] & 0xdf : text[position])
        guard found == mark || found == other else { return false }
        position += 1
        return true
    }

    /// The fraction of a second, 0 where none is written; nil for a point without digits.
    mutating func milliseconds(in text: Span<UInt8>) -> Int? {
        guard skip(".", in: text) else { return 0 }
        guard position < text.count, text[position].isDigit else { return nil }
        var value = 0
        var unit = 100
        while position < text.count, text[position].isDigit {
            value += Int(text[position] - 48) * unit
            unit /= 10
            position += 1
        }
        return value
    }

    /// Minutes east of Greenwich.
    mutating func offset(in text: Span<UInt8>) -> Int? {
        if skip("Z", in: text) { return 0 }
        let isEast = skip("+", in: text)
        guard isEast || skip("-", in: text), let hours = number(2, in: text), hours < 24,
            skip(":", in: text), let minutes = number(2, in: text), minutes < 60
        else { return nil }
        return (isEast ? 1 : -1) * (hours * 60 + minutes)
    }

    func isAtEnd(of text: Span<UInt8>) -> Bool { position == text.count }
}
