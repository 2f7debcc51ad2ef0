import Mail
import Net
import Policy
import Store
import Wire

/// The content: from DATA to the reply that makes the mail ours.
extension SMTPConversation {
    func startContent() {
        let isReport = transaction?.isReport ?? false
        transaction?.intake = RawMailIntake(
            store: gateway.store,
            headerLimit: client.connector.limits.headerSize,
            keepsBeginning: isReport
        )
        session.accept()
    }

    /// A failure of the store is told at the end of the content: SMTP has no word for it before.
    func take(_ octets: [UInt8]) async {
        guard let intake = transaction?.intake, transaction?.failure == nil else { return }
        do throws(StoreError) {
            try await intake.receive(octets)
        } catch {
            transaction?.failure = error
        }
    }

    /// False when the client is sent away.
    func finishContent() async -> Bool {
        guard let facts = transaction, let intake = facts.intake else {
            session.refuse(.insufficientResources)
            return true
        }
        transaction = nil
        do throws(StoreError) {
            if let failure = facts.failure { throw failure }
            guard !intake.isHeaderOversize else {
                let reply = Reply(552, "5.3.4", "Message header exceeds the limit")
                refuse(reply, at: "DATA", facts.sender.description)
                return true
            }
            return try await hand(in: facts, try await intake.finish())
        } catch {
            intake.abandon()
            gateway.log.error(
                "mail not kept",
                ["peer": client.peer.description, "reason": "\(error)"]
            )
            session.refuse(.insufficientResources)
            return true
        }
    }

    private func hand(
        in facts: SMTPTransactionFacts,
        _ mail: RawMail
    ) async throws(StoreError) -> Bool {
        guard renewClient() else {
            facts.intake?.abandon()
            refuse(.noConnector, at: "DATA", facts.sender.description)
            return false
        }
        noteHabits(of: mail, sentAs: facts.parameters)
        if facts.isReport {
            try await takeReport(mail, facts)
        } else {
            try await judge(mail, facts)
        }
        return true
    }

    private func judge(
        _ mail: RawMail,
        _ facts: SMTPTransactionFacts
    ) async throws(StoreError) {
        let arrival = arrival(of: mail, facts, from: client)
        let configuration = gateway.configuration
        let offer = arrival.offer(
            at: gateway.clock(),
            hostname: configuration.hostname,
            postmaster: configuration.postmaster
        )
        switch offer {
        case .failure(let reply):
            facts.intake?.abandon()
            refuse(reply, at: "DATA", facts.sender.description)
        case .success(let offer):
            try await take(offer, key: SMTPIdempotency(facts, mail, client))
        }
    }

    func arrival(
        of mail: RawMail,
        _ facts: SMTPTransactionFacts,
        from client: Client
    ) -> SMTPArrival {
        SMTPArrival(
            client: client,
            facts: facts,
            mail: mail,
            helo: session.helloName,
            isExtended: session.isExtended,
            isAuthenticated: identity != nil,
            comment: stream.peerCredentials.map { "uid \($0.uid)" } ?? stream.tls?.version
        )
    }

    func take(_ offer: Offer, key: SMTPIdempotency?) async throws(StoreError) {
        if let key, !gateway.idempotencyKeys.begin(key.key, in: key.scope) {
            gateway.desk.discard([offer])
            return refuse(.keyInUse, at: "DATA", offer.id.description)
        }
        defer { if let key { gateway.idempotencyKeys.end(key.key, in: key.scope) } }
        let reply = SMTPReply.queued(
            messageID: offer.details.headerMessageID,
            internalID: offer.id.description,
            hostname: gateway.configuration.hostname
        )
        let outcome = try await gateway.desk.take([offer]) { _ in
            key?.claim(answering: reply, at: offer.createdAt)
        }
        switch outcome {
        case .kept(let receipts):
            gateway.noteAccepted(receipts, .smtp)
            visit.sighting.messages += 1
            reportSighting()
            session.accept(reply)
        case .replayed(let answer):
            session.accept(SMTPReply(250, "2.6.0", String(decoding: answer.body, as: UTF8.self)))
        case .mismatched:
            refuse(.keyReused, at: "DATA", offer.id.description)
        case .refused(let decisions):
            refuse(decisions[0].refusal?.reply ?? .noRoute, at: "DATA", offer.id.description)
        }
    }
}
