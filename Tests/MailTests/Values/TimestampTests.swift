import Mail
import Testing

private let moments: [(String, Int64, String, String)] = [
    (
        "1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z",
        "Thu, 01 Jan 1970 00:00:00 +0000"
    ),
    // RFC 3339 §5.8.
    (
        "1985-04-12T23:20:50.52Z", 482_196_050_520, "1985-04-12T23:20:50.520Z",
        "Fri, 12 Apr 1985 23:20:50 +0000"
    ),
    (
        "1996-12-19T16:39:57-08:00", 851_042_397_000, "1996-12-20T00:39:57.000Z",
        "Fri, 20 Dec 1996 00:39:57 +0000"
    ),
    (
        "1990-12-31T23:59:60Z", 662_688_000_000, "1991-01-01T00:00:00.000Z",
        "Tue, 01 Jan 1991 00:00:00 +0000"
    ),
    (
        "1990-12-31T15:59:60-08:00", 662_688_000_000, "1991-01-01T00:00:00.000Z",
        "Tue, 01 Jan 1991 00:00:00 +0000"
    ),
    (
        "1937-01-01T12:00:27.87+00:20", -1_041_337_172_130, "1937-01-01T11:40:27.870Z",
        "Fri, 01 Jan 1937 11:40:27 +0000"
    ),
    (
        "2026-11-22t11:09:24.123456789z", 1_795_345_764_123, "2026-11-22T11:09:24.123Z",
        "Sun, 22 Nov 2026 11:09:24 +0000"
    ),
    (
        "2000-02-29 23:59:59+00:00", 951_868_799_000, "2000-02-29T23:59:59.000Z",
        "Tue, 29 Feb 2000 23:59:59 +0000"
    ),
    (
        "9999-12-31T23:59:59.999Z", 253_402_300_799_999, "9999-12-31T23:59:59.999Z",
        "Fri, 31 Dec 9999 23:59:59 +0000"
    ),
    (
        "0001-01-01T00:00:00Z", -62_135_596_800_000, "0001-01-01T00:00:00.000Z",
        "Mon, 01 Jan 0001 00:00:00 +0000"
    ),
]

@Test("a moment reads and prints as RFC 3339 and RFC 5322 have it", arguments: moments)
func moment(text: String, milliseconds: Int64, rfc3339: String, rfc5322: String) {
    #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
    #expect(Timestamp(rfc3339: text.dropFirst(0))?.milliseconds == milliseconds)
    #expect(Timestamp(milliseconds: milliseconds).rfc3339 == rfc3339)
    #expect(Timestamp(milliseconds: milliseconds).rfc5322 == rfc5322)
}

@Test(
    "what is no moment is refused",
    arguments: [
        "", "2026", "2026-11-22", "2026-11-22T11:09:24", "2026-11-22T11:09Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+0000", "2026-01-01T00:00:00Zx", " 2026-01-01T00:00:00Z",
        "2026-01-01X00:00:00Z", "+026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:60",
        "2026-04-31T00:00:00Z", "٢٠٢٦-01-01T00:00:00Z",
    ]
)
func noMoment(_ text: String) {
    #expect(Timestamp(rfc3339: text) == nil)
}

@Test("every day of nine centuries prints and reads back, one after the other")
func days() {
    for day in stride(from: Int64(0), to: 330_000, by: 7) {
        let moment = Timestamp(milliseconds: day * 86_400_000 + day % 1000)
        #expect(Timestamp(rfc3339: moment.rfc3339) == moment)
        #expect(moment.rfc5322.hasPrefix("Thu,"))
        let next = Timestamp(milliseconds: (day + 8) * 86_400_000)
        #expect(next.rfc5322.hasPrefix("Fri,"))
    }
}

@Test("moments beyond four digits of a year print without trapping")
func extremes() {
    for milliseconds in [Int64.min, .min + 1, -1, .max, 253_402_300_800_000] {
        let moment = Timestamp(milliseconds: milliseconds)
        #expect(!moment.rfc3339.isEmpty && !moment.rfc5322.isEmpty)
    }
    #expect(Timestamp(milliseconds: -1).rfc3339 == "1969-12-31T23:59:59.999Z")
}
