import Mail
import Net
import Policy
import Wire

/// The one answer to a client that is not let in.
enum Farewell {
    static func smtp(
        _ reply: Reply,
        on stream: Connection,
        _ log: ProtocolLogSession? = nil
    ) async {
        let octets = SMTPReply(reply).octets
        log?.note(.connected)
        log?.note(sent: octets)
        try? await stream.send(octets, within: .seconds(5))
        await stream.finish(within: .seconds(1))
        log?.note(.disconnected, context: "Local")
    }

    static func http(_ problem: Problem, on stream: Connection, api: API) async {
        let answer = problem.answer(to: api.newRequestID())
        try? await stream.send(
            answer.octets(answering: .closing, date: api.httpDate),
            within: .seconds(5)
        )
        await stream.finish(within: .seconds(1))
    }
}
