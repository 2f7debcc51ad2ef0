import Mail
import Policy
import Wire

/// What requests carry.
extension HTTPRequestHead {
    /// The media type without parameters. One that cannot be read is told as it came.
    func media(or standard: String) -> String {
        guard let text = fields.first("Content-Type") else { return standard }
        // What nearly everyone sends needs no parser.
        if text == "application/json" { return text }
        return fields.contentType?.essence ?? text
    }
}

extension API {
    /// The request's body without its content coding.
    func decodedBody(of request: Request, limit: Int) throws(Problem) -> any RequestBody {
        if case .length(let octets) = request.head.framing, octets > limit {
            throw .tooLarge(limit: limit)
        }
        switch request.head.fields.first("Content-Encoding")?.lowercased() {
        case nil, "", "identity": return request.body
        case "gzip", "x-gzip": return InflatedBody(request.body, limit: limit)
        case let other?:
            throw Problem(
                415,
                "unsupported_media_type",
                "the content coding \(other) is not taken; use gzip"
            ).with("Accept-Encoding", "gzip")
        }
    }

    /// A small JSON object, for everything but mail.
    func form(of request: Request) async throws(Problem) -> FormReader {
        let media = request.head.media(or: "application/json")
        guard media == "application/json" else { throw .unsupported(media, "application/json") }
        let octets = try await decodedBody(of: request, limit: 1 << 20).all(upTo: 1 << 20)
        let value: JSONValue
        do throws(JSONError) {
            // No body is an empty form: where every field may be left out, so may all of them.
            value = octets.isEmpty ? .object(JSONObject()) : try JSONValue.parse(octets.span)
        } catch {
            throw Problem(error)
        }
        guard let form = FormReader(value, at: "") else {
            throw .invalid("", "the body must be an object", code: "wrong_type")
        }
        return form
    }
}
