import Mail
import Net
import Synchronization

/// Holds one route's access token: fetched when first needed, renewed ahead of its end while the old
/// one still serves, by one at a time; who comes meanwhile waits for the same.
final class TokenBroker: Sendable {
    private let source: TokenSource
    private let state = Mutex(State())

    fileprivate struct State {
        var token: String?
        /// When it must not be used any more; nil where nobody said.
        var end: Timestamp?
        /// From when it is renewed.
        var renewal: Timestamp?
        /// In the place of the one in the file, which could not be written.
        var refreshToken: String?
        /// What the last fetch came to.
        var last = Result<String, TokenError>.failure(TokenError("no token was asked for"))
        var isFetching = false
        var waiting: [UnsafeContinuation<Result<String, TokenError>, Never>] = []
    }

    private enum Step {
        case use(String)
        case useAndRenew(String)
        case fetch
        case wait
    }

    init(_ source: TokenSource) { self.source = source }

    /// Called on an event loop.
    func token(in surroundings: Surroundings) async throws(TokenError) -> String {
        switch next(at: surroundings.clock()) {
        case .use(let token): return token
        case .useAndRenew(let token):
            EventLoop.current?.start { [self] in _ = await fetch(in: surroundings) }
            return token
        case .fetch: return try await fetch(in: surroundings).get()
        case .wait:
            return try await withUnsafeContinuation { continuation in
                // It may have ended meanwhile.
                let known = state.withLock { state -> Result<String, TokenError>? in
                    guard state.isFetching else { return state.last }
                    state.waiting.append(continuation)
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }.get()
        }
    }

    /// The next hop did not take this one: the next call fetches another.
    func discard(_ token: String) {
        state.withLock { state in
            guard state.token == token else { return }
            state.token = nil
        }
    }

    private func next(at now: Timestamp) -> Step {
        state.withLock { state in
            if let token = state.token, state.end.map({ now < $0 }) ?? true {
                guard let renewal = state.renewal, now >= renewal, !state.isFetching else {
                    return .use(token)
                }
                state.isFetching = true
                return .useAndRenew(token)
            }
            guard !state.isFetching else { return .wait }
            state.isFetching = true
            return .fetch
        }
    }

    private func fetch(in surroundings: Surroundings) async -> Result<String, TokenError> {
        let fetched: Result<FreshToken, TokenError>
        do throws(TokenError) {
            fetched = .success(try await ask(in: surroundings))
        } catch {
            fetched = .failure(error)
        }
        let result = fetched.map(\.text)
        let now = surroundings.clock()
        let waiting = state.withLock { state in
            state.isFetching = false
            state.last = result
            switch fetched {
            case .success(let token): state.adopt(token, at: now)
            case .failure: state.renewal = now + .seconds(30)
            }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: result) }
        return result
    }

    private static let pool = BlockingPool(threads: 2)

    private func ask(in surroundings: Surroundings) async throws(TokenError) -> FreshToken {
        switch source {
        case .file(let path):
            let text = await Self.pool.run { SecretFile.read(path) }
            guard let text, let token = FreshToken(printed: text, lifetime: .zero) else {
                throw TokenError("tokenFile \(path) cannot be read or holds no token")
            }
            return token
        case .command(let words):
            let printed = await Self.pool.run {
                Result { () throws(TokenError) in try TokenCommand(words: words).run() }
            }
            guard let token = FreshToken(printed: try printed.get(), lifetime: .seconds(60)) else {
                throw TokenError("tokenCommand \(words[0]) printed no token")
            }
            return token
        case .grant(let grant):
            let refreshToken = state.withLock { $0.refreshToken }
            let token = try await grant.ask(in: surroundings, refreshToken: refreshToken)
            // RFC 6749 §6: from now on the new one.
            if let next = token.refreshToken, let file = grant.refreshTokenFile {
                let isKept = await Self.pool.run { SecretFile.replace(file, with: next) }
                state.withLock { $0.refreshToken = isKept ? nil : next }
            }
            return token
        }
    }
}

extension TokenBroker.State {
    /// A fifth of its life, five minutes at most, is left when it is renewed. Where nobody has said
    /// how long it lives, an hour is usual (RFC 6749 §5.1 leaves it open).
    fileprivate mutating func adopt(_ fresh: FreshToken, at now: Timestamp) {
        let life = fresh.lifetime ?? .seconds(3600)
        token = fresh.text
        end = now + life
        renewal = now + life - min(life / 5, .seconds(300))
    }
}
