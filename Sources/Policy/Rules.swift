package import Mail

/// Each rule by itself, for a door that learns its facts one by one. `decide` asks them all.
extension Rulebook {
    /// Rule 2: TLS demanded and absent.
    package func examineTLS(_ client: Client) -> Finding {
        switch client.connector.tls.mode {
        case .required where !client.isSecure, .implicit where !client.isSecure:
            .refuse(.tls, "the connector demands TLS and the session has none", .mustStartTLS)
        default:
            Finding(.tls, client.isSecure ? "the session is secure" : "TLS is not demanded")
        }
    }

    /// Rule 3: permission to submit.
    package func examineSubmit(_ client: Client) -> Finding {
        let groups = client.connector.permissionGroups
        switch client.principal {
        case .postern:
            return Finding(.submit, "the gateway itself")
        case .anonymous:
            guard groups.contains(.anonymous) else {
                return .refuse(
                    .submit,
                    "the anonymous may not submit on this connector",
                    .notAuthenticated
                )
            }
            return Finding(.submit, "the connector serves the anonymous")
        case .application(let applicant):
            guard groups.contains(.applications) else {
                return .refuse(
                    .submit,
                    "applications may not submit on this connector",
                    .notAuthenticated
                )
            }
            return Finding(.submit, "the connector serves applications; this is \(applicant.name)")
        }
    }

    /// Rule 4, for the envelope's sender and each author of the header alike.
    package func examineSender(_ sender: ReversePath, of client: Client) -> Finding {
        guard case .mailbox(let mailbox) = sender else {
            return Finding(.sender, "the null sender is never refused for itself")
        }
        switch client.principal {
        case .postern:
            return Finding(.sender, "the gateway itself")
        case .application(let applicant):
            return examine(mailbox, asSenderFor: applicant)
        case .anonymous:
            return examine(mailbox, asAnonymousSenderAt: client.connector)
        }
    }

    private func examine(_ mailbox: Mailbox, asSenderFor applicant: Applicant) -> Finding {
        if let pattern = applicant.senders.first(where: { $0.matches(mailbox) }) {
            return Finding(.sender, "\(applicant.name) may send as \(pattern)")
        }
        if applicant.senders.isEmpty, accepts(mailbox.domain) != nil {
            return Finding(.sender, "\(mailbox.domain) is an accepted domain")
        }
        let allowed =
            applicant.senders.isEmpty
            ? "addresses in accepted domains"
            : applicant.senders.map(\.description).joined(separator: ", ")
        return .refuse(
            .sender,
            "\(applicant.name) may send only as \(allowed), not as \(mailbox)",
            .senderNotAllowed
        )
    }

    private func examine(
        _ mailbox: Mailbox,
        asAnonymousSenderAt connector: ReceiveConnector
    ) -> Finding {
        let isOurs = accepts(mailbox.domain) != nil
        let right: Rights = isOurs ? .acceptAuthoritativeDomainSender : .acceptAnySender
        let name = isOurs ? "acceptAuthoritativeDomainSender" : "acceptAnySender"
        guard connector.rights.contains(right) else {
            return .refuse(
                .sender,
                "the anonymous lack \(name) here for \(mailbox)",
                .senderNotAllowed
            )
        }
        return Finding(.sender, "the anonymous hold \(name)")
    }

    /// Rule 5: an accepted domain, or the right to relay; then the application's own bounds.
    package func examineRecipient(_ recipient: Mailbox, of client: Client) -> Finding {
        let permission = examineRelay(to: recipient, of: client)
        guard permission.refusal == nil, case .application(let applicant) = client.principal,
            !applicant.recipients.isEmpty,
            !applicant.recipients.contains(where: { $0.matches(recipient) })
        else { return permission }
        return .refuse(
            .recipient,
            "\(applicant.name) may not send to \(recipient)",
            .recipientNotAllowed
        )
    }

    private func examineRelay(to recipient: Mailbox, of client: Client) -> Finding {
        if let accepted = accepts(recipient.domain) {
            return Finding(.recipient, "\(accepted.domain) is an accepted domain")
        }
        switch client.principal {
        case .postern:
            return Finding(.recipient, "the gateway itself")
        case .application(let applicant) where applicant.mayRelay:
            return Finding(.recipient, "\(applicant.name) may relay to external recipients")
        case .anonymous where client.connector.rights.contains(.acceptAnyRecipient):
            return Finding(.recipient, "the anonymous hold acceptAnyRecipient")
        case .application, .anonymous:
            return .refuse(
                .recipient,
                "\(recipient.domain) is no accepted domain and there is no right to relay",
                .unableToRelay
            )
        }
    }

    /// Rule 6 for what a message carries. Rates and connections are counted at the doors.
    package func examineSize(_ octets: Int, of client: Client) -> Finding {
        let isExempt =
            client.principal == .anonymous
            && client.connector.rights.contains(.bypassMessageSizeLimit)
        let limit = largestMessage(at: client.connector, bypassingLimit: isExempt)
        if let limit, octets > limit {
            return .refuse(
                .limits,
                "\(octets) octets exceed the limit of \(limit)",
                .messageTooLarge
            )
        }
        return Finding(.limits, "\(octets) octets of at most \(limit.map { "\($0)" } ?? "any")")
    }

    /// In octets, by the connector's limit and by what any route carries; nil where neither has one.
    package func largestMessage(
        at connector: ReceiveConnector,
        bypassingLimit: Bool
    ) -> Int? {
        guard !bypassingLimit else { return largestRouteSize }
        return largestRouteSize.map { min($0, connector.limits.messageSize) }
            ?? connector.limits.messageSize
    }

    package func examineCount(ofRecipients count: Int, of client: Client) -> Finding {
        let limit = client.connector.limits.recipients
        guard count <= limit else {
            return .refuse(.limits, "more than \(limit) recipients", .tooManyRecipients)
        }
        return Finding(.limits, "\(count) of at most \(limit) recipients")
    }

    package func examineHops(_ hops: Int, of client: Client) -> Finding {
        let limit = client.connector.limits.hops
        guard hops <= limit else {
            return .refuse(.limits, "\(hops) Received fields, more than \(limit)", .tooManyHops)
        }
        return Finding(.limits, "\(hops) of at most \(limit) hops")
    }

    /// Rule 7: the send connector, by name in the note.
    package func examineRoute(
        to recipient: Mailbox,
        from client: Client,
        octets: Int
    ) -> (finding: Finding, route: String?) {
        switch route(to: recipient.domain, from: client, octets: octets) {
        case .success(let connector):
            (Finding(.route, "\(recipient.domain) goes by \(connector.name)"), connector.name)
        case .failure(let reply):
            (
                .refuse(
                    .route,
                    reply == .messageTooLarge
                        ? "no send connector of \(recipient.domain) carries \(octets) octets"
                        : "no send connector carries \(recipient.domain)",
                    reply
                ), nil
            )
        }
    }
}
