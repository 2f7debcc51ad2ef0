import Net
import Synchronization
import Wire

/// What a route to mail exchangers needs to know whom it speaks to where a domain tells how: by
/// MTA-STS, or by DANE.
final class TrustShelf: Sendable {
    private let verification: TLSClientContext.Verification
    /// Made when first needed: the system's authorities take a while to read, and most domains need
    /// none.
    private let contexts = Mutex<(authority: TLSClientContext?, dane: TLSClientContext?)>(
        (nil, nil)
    )
    private let client = Mutex<HTTPClient?>(nil)
    private let book = STSBook()

    /// Nil for a route that speaks no TLS, or to hosts that an operator has named.
    init?(_ route: Route) {
        guard route.hop == .mailExchangers, route.security != .none, route.security != .implicit
        else { return nil }
        verification = route.caFile.map { .caFile($0) } ?? .system
    }

    /// Certificates have to be vouched for by an authority and carry the host's name.
    func authority() throws(StreamError) -> TLSClientContext {
        if let made = contexts.withLock({ $0.authority }) { return made }
        let made = try TLSClientContext(verification: verification)
        contexts.withLock { $0.authority = made }
        return made
    }

    /// Certificates have to be those that DNS names.
    func dane() throws(StreamError) -> TLSClientContext {
        if let made = contexts.withLock({ $0.dane }) { return made }
        let made = try TLSClientContext(verification: .dane)
        contexts.withLock { $0.dane = made }
        return made
    }

    /// The policy that a domain has published (RFC 8461 §3); nil where there is none.
    func policy(of domain: String, in surroundings: Surroundings) async -> STSPolicy? {
        let records: [String]
        do throws(ResolverError) {
            records = try await surroundings.texts("_mta-sts.\(domain)", .seconds(10))
        } catch {
            records = []
        }
        let client = client(in: surroundings)
        return await book.policy(
            of: domain,
            id: STSPolicy.identifier(in: records),
            at: surroundings.clock()
        ) { domain in
            await Self.text(of: domain, from: client)
        }
    }

    private func client(in surroundings: Surroundings) -> HTTPClient {
        client.withLock { client in
            if let client { return client }
            let made = HTTPClient(surroundings, verification: verification, clear: .nobody)
            client = made
            return made
        }
    }

    /// §3.3: over HTTPS alone, no redirects, plain text, nothing large.
    private static func text(of domain: String, from client: HTTPClient) async -> String? {
        let place = "https://mta-sts.\(domain)/.well-known/mta-sts.txt"
        guard let address = WebAddress(place) else { return nil }
        do throws(HTTPClientError) {
            let answer = try await client.ask(.get, address, within: .seconds(20), most: 64 << 10)
            let kind = answer.fields.first("Content-Type")?.lowercased() ?? ""
            guard answer.status == 200, kind.hasPrefix("text/plain") else { return nil }
            return String(decoding: answer.content, as: UTF8.self)
        } catch {
            return nil
        }
    }
}
