import Crypto
import Delivery
import Mail
import Policy
import Store

/// Something that the people behind `postmaster` should know: told once for its cause and day.
struct PostmasterNotice: Sendable {
    /// What is counted as one, such as `route:Internet`.
    let cause: String
    let subject: String
    let text: String
}

extension PostmasterNotice {
    /// Mail of a stranger that came to a bad end: its sender must not hear of it.
    static func unreported(_ kind: ReportKind, _ count: Int, of record: MessageRecord) -> Self {
        PostmasterNotice(
            cause: "unreported:\(record.connector)",
            subject: "Undeliverable mail of a sender outside",
            text: """
                Mail that came in through the connector "\(record.connector)" could not be delivered, and
                its sender is not told: the address is in no accepted domain and may be forged.

                    From:       \(record.sender)
                    Message:    \(record.id)
                    Recipients: \(count) \(kind.action)

                What became of it: postern message events \(record.id)
                More mail of this kind is told by the message events and the log only, until tomorrow.

                """
        )
    }

    static func suspended(_ suspension: RouteSuspension) -> Self {
        PostmasterNotice(
            cause: "route:\(suspension.route)",
            subject: "Route \(suspension.route) is suspended",
            text: """
                The route "\(suspension.route)" carries no mail for the time being. Its mail waits.

                    Why:   \(suspension.reason)
                    Until: \(suspension.until?.rfc5322 ?? "somebody resumes it")

                To try at once: postern route resume "\(suspension.route)"

                """
        )
    }

    static func oldMail(_ count: Int, after wait: Duration) -> Self {
        PostmasterNotice(
            cause: "queue-age",
            subject: "Mail waits in the queue",
            text: """
                \(count) recipients have waited for their mail for more than \(wait.shortForm). Their senders are
                told, where they may be.

                What waits, and why: postern queue summary, postern route list

                """
        )
    }
}

extension RouteSuspension {
    /// What the next hop has brought about: no operator knows of it yet.
    var isOrderedByNobody: Bool { by == "upstream" }
}

extension House {
    /// Writes to the postmaster, once for each cause and day. A notice that cannot be kept is a line
    /// in the log.
    func tellPostmaster(_ notice: PostmasterNotice) async {
        let configuration = configuration
        let now = clock()
        let id = MessageID(at: now)
        var draft = Draft(
            from: NamedMailbox(name: "Postern", mailbox: configuration.postmaster),
            messageID: "<\(id)@\(configuration.hostname)>",
            date: now
        )
        draft.to = [NamedMailbox(mailbox: configuration.postmaster)]
        draft.subject = "[\(configuration.hostname)] \(notice.subject)"
        draft.text = notice.text
        draft.headers = [("Auto-Submitted", "auto-generated")]
        let octets = draft.composed(boundary: SecureRandom.next()).octets
        var details = MessageDetails(
            headerMessageID: draft.messageID,
            subject: draft.subject ?? "",
            origin: "postern",
            octets: octets.count
        )
        details.noteInHeader([configuration.postmaster])
        let offer = Offer(
            submission: Submission(
                client: .postern,
                sender: .null,
                recipients: [configuration.postmaster],
                authors: [configuration.postmaster],
                octets: octets.count
            ),
            id: id,
            createdAt: now,
            content: [.octets(octets)],
            details: details
        )
        let day = Int(now.milliseconds / 86_400_000)
        do throws(StoreError) {
            let first = KeepCondition.firstOfDay(day, cause: notice.cause)
            if case .kept = try await desk.take([offer], condition: first) { return }
            log.warning("postmaster not told", ["cause": notice.cause, "reason": "refused"])
        } catch .conflict {
            // Told already.
        } catch {
            log.warning("postmaster not told", ["cause": notice.cause, "reason": "\(error)"])
        }
    }
}

extension [Draft.Segment] {
    /// Of a draft without attachments that are elsewhere.
    fileprivate var octets: [UInt8] {
        flatMap { segment in
            if case .octets(let octets) = segment { octets } else { [UInt8]() }
        }
    }
}
