/// What a route has used of its quota within a slot of time.
package struct QuotaUse: Hashable, Sendable {
    package enum Span: Int, Sendable { case minute, day }

    package let span: Span
    /// The slot's number since 1970; how long one is, is for the reader to know.
    package let slot: Int64
    package let lane: Int
    package let count: Int

    package init(span: Span, slot: Int64, lane: Int, count: Int) {
        self.span = span
        self.slot = slot
        self.lane = lane
        self.count = count
    }
}
