package import Store
import Wire

/// What a handler says; the door adds what every answer carries.
package struct Answer: Sendable {
    package enum Body: Sendable {
        case octets([UInt8])
        /// A stored mail, sent piece by piece.
        case content(ContentReader)
    }

    package var status: Int
    package var fields: [(name: String, value: String)]
    package var body: Body
    package var closesConnection = false

    package init(_ status: Int, _ mediaType: String, _ body: [UInt8]) {
        self.status = status
        fields = [("Content-Type", mediaType)]
        self.body = .octets(body)
    }

    package static func json(_ status: Int = 200, _ write: (inout JSONWriter) -> Void) -> Answer {
        var writer = JSONWriter()
        write(&writer)
        return Answer(status, "application/json", writer.octets)
    }

    package static let noContent: Answer = {
        var answer = Answer(204, "", [])
        answer.fields = []
        return answer
    }()

    package func with(_ name: String, _ value: String) -> Answer {
        var copy = self
        copy.fields.append((name, value))
        return copy
    }
}
