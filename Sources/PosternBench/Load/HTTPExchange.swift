import Net
import Wire

/// One question whose answer is read.
enum HTTPExchange {
    static func json(
        of path: String,
        at gateway: GatewayProcess,
        on loop: EventLoop
    ) async throws(Invalid) -> JSONObject {
        let request = HTTPRequests.get(path, from: gateway.host, key: gateway.key)
        let address = gateway.http
        let answer = await loop.run { () async -> Result<[UInt8], StreamError> in
            do throws(StreamError) {
                let connection = try await Connection.connect(to: address, within: .seconds(10))
                var reader = HTTPAnswerReader()
                try await connection.send(request, within: .seconds(10))
                _ = try await reader.read(connection)
                return .success(Array(reader.content))
            } catch {
                return .failure(error)
            }
        }
        guard let octets = try? answer.get(), let json = try? JSONValue.parse(octets.span),
            case .object(let members) = json
        else { throw Invalid("GET \(path) did not answer a JSON object") }
        return members
    }
}
