import Mail
import Net
import Wire

/// A token, and how long it is good for where that is known.
struct FreshToken: Sendable, Equatable {
    let text: String
    let lifetime: Duration?
    /// Set where the endpoint wants another refresh token used from now on.
    var refreshToken: String?
}

extension TokenGrant {
    /// Asks the endpoint. `refreshToken`: instead of the one in the file.
    func ask(
        in surroundings: Surroundings,
        refreshToken: String?
    ) async throws(TokenError) -> FreshToken {
        var form = [("client_id", clientID)]
        var secrets: [String] = []
        if let file = refreshTokenFile {
            guard let token = refreshToken ?? SecretFile.read(file) else {
                throw TokenError("refreshTokenFile \(file) cannot be read")
            }
            secrets.append(token)
            form += [("grant_type", "refresh_token"), ("refresh_token", token)]
        } else {
            form.append(("grant_type", "client_credentials"))
        }
        if let file = clientSecretFile {
            guard let secret = SecretFile.read(file) else {
                throw TokenError("clientSecretFile \(file) cannot be read")
            }
            secrets.append(secret)
            form.append(("client_secret", secret))
        }
        if let scope { form.append(("scope", scope)) }
        return try await post(form, in: surroundings, hiding: secrets)
    }

    private func post(
        _ form: [(String, String)],
        in surroundings: Surroundings,
        hiding secrets: [String]
    ) async throws(TokenError) -> FreshToken {
        let body = form.map { "\($0)=\(PercentCoding.encode($1))" }.joined(separator: "&")
        let client = HTTPClient(surroundings, verification: caFile.map { .caFile($0) } ?? .system)
        let answer: HTTPAnswer
        do throws(HTTPClientError) {
            answer = try await client.ask(
                .post,
                url,
                fields: [
                    ("Content-Type", "application/x-www-form-urlencoded"),
                    ("Accept", "application/json"),
                ],
                content: Array(body.utf8),
                most: 1 << 18
            )
        } catch {
            throw TokenError("no token: \(error)")
        }
        let json = (try? JSONValue.parse(answer.content.span)) ?? .null
        guard answer.isSuccess else {
            throw TokenError("no token: \(url): \(answer.status) \(reason(json, hiding: secrets))")
        }
        guard let token = FreshToken(json) else {
            throw TokenError("no token: \(url) answers without an access_token")
        }
        return token
    }

    /// RFC 6749 §5.2, with what is secret taken out: an endpoint may quote what it was sent.
    private func reason(_ json: JSONValue, hiding secrets: [String]) -> String {
        let words = ["error", "error_description"].compactMap { json[$0]?.string }
        var text = words.joined(separator: ": ")
        for secret in secrets where !secret.isEmpty {
            text = text.split(separator: secret, omittingEmptySubsequences: false)
                .joined(separator: "…")
        }
        return String(text.prefix(300).map { $0.isNewline ? " " : $0 })
    }
}

extension FreshToken {
    /// RFC 6749 §5.1; nil where it holds no token that fits on a line.
    init?(_ json: JSONValue) {
        guard let text = json["access_token"]?.string, Self.isToken(text) else { return nil }
        let seconds = json["expires_in"].flatMap { value in
            value.intValue ?? value.string.flatMap { Int($0) }
        }
        let lifetime = seconds.map { Duration.seconds(min(max($0, 0), 10_000_000)) }
        self.init(
            text: text,
            lifetime: lifetime,
            refreshToken: json["refresh_token"]?.string
        )
    }

    /// What a file or a command gave: such an answer in JSON, or the token alone.
    init?(printed text: String, lifetime: Duration?) {
        let octets = Array(text.utf8)
        if let json = try? JSONValue.parse(octets.span), let token = FreshToken(json) {
            self = token
            return
        }
        let line = text.split(whereSeparator: \.isNewline).first ?? ""
        let token = String(line.trimmingBlanks)
        guard Self.isToken(token) else { return nil }
        self.init(text: token, lifetime: lifetime)
    }

    /// RFC 6749 appendix A.12, and not longer than AUTH can carry (RFC 4954 §4).
    private static func isToken(_ text: String) -> Bool {
        (1...8192).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 32 && $0 < 127 }
    }
}

extension StringProtocol {
    fileprivate var trimmingBlanks: SubSequence {
        let start = firstIndex { !$0.isWhitespace } ?? endIndex
        let end = lastIndex { !$0.isWhitespace }.map { index(after: $0) } ?? start
        return self[start..<end]
    }
}

extension JSONValue {
    fileprivate var string: String? { if case .string(let text) = self { text } else { nil } }
}
