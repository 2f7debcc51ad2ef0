import Mail
import Store
import Wire

/// What a receiver reads: `{type, timestamp, data}`.
enum WebhookBody {
    static func octets(of event: EventRecord, about message: MessageRecord?) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("type")
        json.string(WebhookEvents.name(of: event.type))
        json.key("timestamp")
        json.string(event.at.rfc3339)
        json.key("data")
        json.beginObject()
        json.key("event")
        json.string(event.id)
        if let message { write(message, event, to: &json) }
        json.key("detail")
        let detail = event.detail.flatMap { try? JSONValue.parse(Array($0.utf8).span) }
        if let detail { json.value(detail) } else { json.null() }
        json.endObject()
        json.endObject()
        return json.octets
    }

    private static func write(
        _ message: MessageRecord,
        _ event: EventRecord,
        to json: inout JSONWriter
    ) {
        for (name, text) in [
            ("message", message.id.description), ("message_id", message.details.headerMessageID),
            ("application", message.application?.description),
            ("external_id", message.details.externalID), ("subject", message.details.subject),
            ("recipient", event.recipient?.description),
        ] {
            json.key(name)
            if let text { json.string(text) } else { json.null() }
        }
        json.key("tags")
        json.beginArray()
        for tag in message.details.tags { json.string(tag) }
        json.endArray()
        json.key("metadata")
        json.beginObject()
        for (name, value) in message.details.metadata {
            json.key(name)
            json.string(value)
        }
        json.endObject()
    }
}
