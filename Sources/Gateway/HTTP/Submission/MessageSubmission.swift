import Delivery
import Mail
import Policy
import Store
import Wire

/// POST /v1/messages and /v1/messages/batch.
enum MessageSubmission {
    static func submit(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try request.allowQuery(["application", "from", "to"])
        return try await Submitting(api, request).run { (it) async throws(Problem) in
            try await it.readOne()
        }
    }

    static func submitBatch(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try request.allowQuery(["application", "mode"])
        var submitting = try Submitting(api, request)
        submitting.isBatch = true
        submitting.isPartial =
            try request.query("mode").map { mode throws(Problem) in
                guard mode == "partial" else {
                    throw .invalid("", "mode must be partial, or left out")
                }
                return true
            } ?? false
        return try await submitting.run { (it) async throws(Problem) in try await it.readBatch() }
    }
}
