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
        let mode = try request.query("mode")
        guard mode == nil || mode == "partial" else {
            throw .invalid("", "mode must be partial, or left out")
        }
        return try await Submitting(api, request, isBatch: true, isPartial: mode != nil).run {
            (it) async throws(Problem) in
            try await it.readBatch()
        }
    }
}
