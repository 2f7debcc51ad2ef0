import Delivery
import Mail
import Policy
import Store
import Wire

/// The forms a body may have.
extension Submitting {
    func readOne() async throws(Problem) -> Reading {
        switch request.head.media(or: "no Content-Type") {
        case "application/json":
            return try await intake.readJSON(body, isBatch: false)
        case "message/rfc822":
            return try await intake.readRaw(
                body,
                from: try request.query("from"),
                to: request.queries("to")
            )
        case "multipart/form-data":
            guard let boundary = request.head.fields.contentType?.boundary else {
                throw .malformed("multipart/form-data needs a boundary")
            }
            return try await intake.readFormData(body, boundary: boundary)
        case let other:
            throw .unsupported(
                other,
                "application/json, message/rfc822 or multipart/form-data"
            )
        }
    }

    func readBatch() async throws(Problem) -> Reading {
        switch request.head.media(or: "no Content-Type") {
        case "application/json":
            return try await intake.readJSON(body, isBatch: true)
        case "application/x-ndjson", "application/ndjson", "application/jsonl":
            return try await intake.readLines(body)
        case let other:
            throw .unsupported(other, "application/json or application/x-ndjson")
        }
    }
}
