import Mail
import Testing

@testable import Policy
@testable import Store

@Suite("What is kept") struct KeepTests {
    @Test("a kept message is found, queued and read as it was given")
    func roundTrip() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let applicant = Applicant(id: ApplicationID(at: bench.now()), name: "nas", mayRelay: false)
        let parcel = bench.parcel(principal: .application(applicant)) { parcel in
            parcel.details.tags = ["a", "quote \" and \\ and \u{1} and ü"]
            parcel.details.metadata = [("b", "1"), ("a", "2"), ("b", "3")]
            parcel.details.externalID = "job-1"
            parcel.details.requiresSMTPUTF8 = true
        }
        let kept = try await store.keep([parcel]).entries
        let pending = try await store.pending(after: nil, limit: 10)
        #expect(kept == pending.entries)
        #expect(pending.next == nil)
        #expect(kept.map(\.mailbox) == parcel.approval.recipients.map(\.mailbox))

        let found = try #require(try await store.message(parcel.id))
        #expect(found.details == parcel.details)
        #expect(found.sender == parcel.approval.sender)
        #expect(found.application == applicant.id)
        #expect(found.status == .queued)
        #expect(found.recipients.map(\.route) == ["Exchange", "Exchange"])
        let content = try await store.content(of: found.key).all()
        #expect(String(decoding: content, as: UTF8.self) == "Subject: x\r\n\r\nhello\r\n")
        #expect(try await store.events(of: parcel.id).map(\.type) == ["queued"])
    }
}
