import Mail
import Policy
import Store

extension ApplicationRecord {
    /// How long its mail may wait, where it goes then, and who gets a copy if that does not help. To be
    /// read after whom it may write to.
    mutating func readDeadline(_ form: inout FormReader, by rules: Rulebook) {
        guard readLimit(&form) else { return }
        readRoute(&form, routes: rules.sendConnectors.map(\.name))
        readRecipient(&form, by: rules)
        guard deliverWithin == nil else { return }
        if escalateRoute != nil {
            form.note(
                "escalate_route",
                "invalid",
                "needs deliver_within, the time after which mail goes by it; or set escalate_route to null"
            )
        }
        if escalateTo != nil {
            form.note(
                "escalate_to",
                "invalid",
                "needs deliver_within, the time after which it gets a copy; or set escalate_to to null"
            )
        }
    }

    /// False where it cannot be read: the rest would only repeat that.
    private mutating func readLimit(_ form: inout FormReader) -> Bool {
        guard form.isGiven("deliver_within") else { return true }
        deliverWithin = nil
        guard let text = form.string("deliver_within") else { return true }
        deliverWithin = Quantity.duration(text)
        guard let deliverWithin, deliverWithin >= .seconds(1) else {
            form.note(
                "deliver_within",
                "invalid",
                "must be a duration of at least 1s, such as 90s, 10m or 2h; null for no deadline"
            )
            // They are known all the same.
            _ = (form.isGiven("escalate_route"), form.isGiven("escalate_to"))
            return false
        }
        return true
    }

    private mutating func readRoute(_ form: inout FormReader, routes: [String]) {
        guard form.isGiven("escalate_route") else { return }
        escalateRoute = form.string("escalate_route")
        if let name = escalateRoute, !routes.contains(name) {
            form.note(
                "escalate_route",
                "invalid",
                "no send connector \(name) is configured; there are: \(routes.joined(separator: ", "))"
            )
        }
    }

    private mutating func readRecipient(_ form: inout FormReader, by rules: Rulebook) {
        let isGiven = form.isGiven("escalate_to")
        if isGiven {
            escalateTo = nil
            if let text = form.string("escalate_to") {
                do {
                    escalateTo = try Mailbox(parsing: text).description
                } catch {
                    form.note("escalate_to", "invalid_address", error.reason)
                }
            }
        }
        // A change of whom it may write to must not forbid its copies unnoticed.
        guard isGiven || form.isGiven("relay") || form.isGiven("recipients"),
            let text = escalateTo, let mailbox = try? Mailbox(parsing: text),
            let refusal = rules.refusal(of: mailbox, for: self)
        else { return }
        form.note("escalate_to", "recipient_not_allowed", "\(refusal.reason); \(refusal.cure)")
    }
}

extension Rulebook {
    /// Why an application's mail may not be escalated to that address, and what helps; nil where it may
    /// be: it may write there itself, and some route takes it.
    func refusal(of mailbox: Mailbox, for application: ApplicationRecord)
        -> (reason: String, cure: String)?
    {
        let client = Client(
            connector: Client.postern.connector,
            peer: .loopback,
            principal: .application(application.applicant),
            isSecure: true
        )
        let permission = examineRecipient(mailbox, of: client)
        if permission.refusal != nil {
            let cure = "choose an address it may write to, or change its relay and recipients"
            return (permission.note, cure)
        }
        let (finding, _) = examineRoute(to: mailbox, from: .postern, octets: 0)
        guard finding.refusal != nil else { return nil }
        return (finding.note, "choose another address, or configure a send connector for it")
    }
}
