import Mail
import Store
import Wire

/// What an administrator ordered is an event of its own, beside those of the recipients.
extension QueueOrders {
    func note(
        _ order: String,
        of count: Int,
        by who: String,
        filter: JSONValue? = nil,
        to route: String? = nil
    ) async throws(StoreError) {
        var json = JSONWriter()
        json.beginObject()
        json.member("by", who)
        if let filter {
            json.key("filter")
            json.value(filter)
        }
        if let route { json.member("to_route", route) }
        json.member("count", count)
        json.endObject()
        let detail = String(decoding: json.octets, as: UTF8.self)
        try await store.note("queue.\(order)", detail: detail, at: now)
    }
}
