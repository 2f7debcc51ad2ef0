import Mail
import Policy
import Store
import Testing

@testable import Gateway

@Suite("What the rules know of an application")
struct ApplicantTests {
    private func applicant(senders: [String], recipients: [String]) -> Applicant {
        ApplicationRecord(
            id: ApplicationID(high: 1, low: 1),
            name: "backup",
            relaysExternally: true,
            senders: senders,
            recipients: recipients,
            createdAt: Timestamp(milliseconds: 0)
        ).applicant
    }

    @Test("its patterns as they are written down")
    func patterns() {
        let it = applicant(senders: ["*@*.corp.example", "a@b.example"], recipients: ["*"])
        #expect(it.name == "backup" && it.mayRelay)
        #expect(it.senders.map(\.description) == ["*@*.corp.example", "a@b.example"])
        #expect(it.recipients.map(\.description) == ["*"])
    }

    /// An empty list means anyone, so a list must not become empty by being misread.
    @Test("a stored pattern that can no longer be read widens nothing")
    func unreadable() {
        let it = applicant(senders: ["backup*@corp.example"], recipients: ["nobody"])
        #expect(it.senders == [.nobody] && it.recipients == [.nobody])
        #expect(!it.senders[0].matches(Mailbox(localPart: "backup", domain: "corp.example")))
    }
}
