import Mail
import Testing

@testable import Policy
@testable import Store

@Suite("What is found") struct FindTests {
    @Test("pages hold every message once, newest first, while more arrive", arguments: [1, 4, 50])
    func pages(limit: Int) async throws {
        let bench = Workbench()
        let store = try bench.open()
        let parcels = (0..<23).map { _ in bench.parcel() }
        for parcel in parcels { _ = try await store.keep([parcel]) }
        var (found, cursor): ([MessageID], PageCursor?) = ([], nil)
        repeat {
            let page = try await store.messages(MessageQuery(limit: limit, cursor: cursor))
            found += page.records.map(\.id)
            _ = try await store.keep([bench.parcel()])
            cursor = try page.next.map { try #require(PageCursor($0.description)) }
        } while cursor != nil
        #expect(found == parcels.map(\.id).reversed())
    }

    @Test("a cursor that is none is refused", arguments: ["", "0", "-1", "ä", "zzzzzzzzzzzzzzzz"])
    func cursors(text: String) {
        #expect(PageCursor(text) == nil)
    }

    /// A message as the model knows it.
    private struct Known {
        let parcel: Parcel
        var statuses: [RecipientStatus]
        var routes: [String]

        func matches(_ query: MessageQuery) -> Bool {
            let (approval, details) = (parcel.approval, parcel.details)
            let addresses = approval.recipients.map {
                "\($0.mailbox.localPart)@\($0.mailbox.domain)"
            }
            let sender =
                approval.sender.mailbox.map { "\($0.localPart)@\($0.domain)" } ?? ""
            func has(_ part: String, _ text: String?) -> Bool {
                guard let text = text?.lowercased() else { return false }
                let part = part.lowercased()
                return text.indices.contains { text[$0...].hasPrefix(part) }
            }
            func fits(_ wanted: String, _ address: String) -> Bool {
                let (wanted, address) = (wanted.lowercased(), address.lowercased())
                let isDomain = wanted.hasPrefix("@") || wanted.hasPrefix("*@")
                let domain = wanted.drop { $0 != "@" }
                return isDomain ? address.hasSuffix(domain) : address == wanted
            }
            if let it = query.status, RecipientStatus.worst(of: statuses) != it { return false }
            if let it = query.recipientStatus, !statuses.contains(it) { return false }
            if let it = query.recipient, !addresses.contains(where: { fits(it, $0) }) {
                return false
            }
            if let it = query.sender, !fits(it, sender) { return false }
            if let it = query.subject, !has(it, details.subject) { return false }
            if let it = query.tag, !details.tags.contains(it) { return false }
            if let it = query.externalID, details.externalID != it { return false }
            if let it = query.headerMessageID, details.headerMessageID != it { return false }
            if let it = query.application, approval.principal.application != it { return false }
            if let it = query.route, !routes.contains(it) { return false }
            if let it = query.createdAfter, parcel.createdAt < it { return false }
            if let it = query.createdBefore, parcel.createdAt >= it { return false }
            if let it = query.q {
                return ([details.subject, sender] + addresses).contains { has(it, $0) }
                    || has(it, details.externalID)
            }
            return true
        }
    }

    @Test("every combination of filters finds what a plain look at all messages finds")
    func model() async throws {
        let bench = Workbench()
        let store = try bench.open()
        var dice = Dice(11)
        let applications = (0..<3).map { _ in ApplicationID(at: bench.now()) }
        let people = ["ann@corp.example", "Bob@lab.example", "c_d@corp.example", "cxd@x.example"]
        let subjects = ["Backup 100% done", "backup failed", "Disk_full", "", "Übung"]
        var known: [Known] = []
        for number in 0..<120 {
            let to = people.shuffled(using: &dice).prefix(Int.random(in: 1...3, using: &dice))
            let applicant = Applicant(
                id: applications.randomElement(using: &dice) ?? applications[0],
                name: "a",
                mayRelay: true
            )
            let sender = (people + [nil]).randomElement(using: &dice) ?? nil
            let parcel = bench.parcel(
                to: Array(to),
                from: sender,
                principal: Bool.random(using: &dice) ? .anonymous : .application(applicant)
            ) { details in
                details.subject = subjects.randomElement(using: &dice) ?? ""
                details.externalID = number % 3 == 0 ? "job-\(number / 6)" : nil
                details.headerMessageID = "<\(number / 2)@nas>"
                details.tags = number % 4 == 0 ? ["nightly", "t\(number % 8)"] : []
            }
            let entries = try await store.keep([parcel]).entries
            var one = Known(parcel: parcel, statuses: [], routes: [])
            for entry in entries {
                let status = RecipientStatus.allCases.randomElement(using: &dice) ?? .queued
                let route = ["Exchange", "Internet"].randomElement(using: &dice) ?? ""
                var settlement = Settlement(entry, status, due: bench.now())
                settlement.route = route
                try await store.settle([settlement])
                one.statuses.append(status)
                one.routes.append(route)
            }
            known.append(one)
        }
        for round in 0..<400 {
            var query = MessageQuery(limit: 200)
            // One filter alone in the first rounds, then several at once.
            let kinds = round < 96 ? [round % 12] : (0..<12).filter { _ in .random(using: &dice) }
            for kind in kinds where round < 96 || Int.random(in: 0...2, using: &dice) == 0 {
                switch kind {
                case 0: query.status = RecipientStatus.allCases.randomElement(using: &dice)
                case 1:
                    query.recipient = [
                        "ANN@corp.example", "bob@LAB.example", "@corp.example", "*@lab.example",
                        "c_d@corp.example", "no@corp.example",
                    ].randomElement(using: &dice)
                case 2:
                    query.sender = ["", "ann@corp.example", "@x.example"].randomElement(
                        using: &dice
                    )
                case 3:
                    query.subject = ["BACKUP", "100%", "k_f", "%", "_", "x"].randomElement(
                        using: &dice
                    )
                case 4: query.tag = ["nightly", "t4", "t"].randomElement(using: &dice)
                case 5: query.externalID = "job-\(Int.random(in: 0...25, using: &dice))"
                case 6: query.headerMessageID = "<\(Int.random(in: 0...70, using: &dice))@nas>"
                case 7: query.application = applications.randomElement(using: &dice)
                case 8: query.route = ["Exchange", "Internet", "x"].randomElement(using: &dice)
                case 9: query.createdAfter = known.randomElement(using: &dice)?.parcel.createdAt
                case 10: query.createdBefore = known.randomElement(using: &dice)?.parcel.createdAt
                default:
                    query.q = ["job-1", "c_d", "LAB", "full", "zz"].randomElement(using: &dice)
                }
            }
            let expected = known.filter { $0.matches(query) }.map(\.parcel.id)
            let found = try await store.messages(query).records.map(\.id)
            #expect(found == expected.reversed(), "\(query)")
            guard expected.count > 3 else { continue }
            // The same in pages.
            query.limit = 3
            let first = try await store.messages(query)
            query.cursor = first.next
            let second = try await store.messages(query)
            #expect((first.records + second.records).map(\.id) == Array(found.prefix(6)))
        }
    }

    @Test("events are read on from any number, also of one application")
    func events() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let applicant = Applicant(id: ApplicationID(at: bench.now()), name: "nas", mayRelay: false)
        let mine = bench.parcel(principal: .application(applicant))
        _ = try await store.keep([bench.parcel(), mine, bench.parcel()])
        _ = try await store.cancel(mine.id, at: bench.now(), by: "")
        let all = try await store.eventPage(EventQuery(limit: 100)).events
        #expect(all.map(\.type) == ["queued", "queued", "queued", "canceled", "canceled"])
        #expect(all.map(\.number) == all.map(\.number).sorted())
        let rest = try await store.eventPage(EventQuery(after: all[1].number, limit: 2)).events
        #expect(rest == Array(all[2...3]))
        var ofOne = EventQuery(limit: 9)
        ofOne.application = applicant.id
        let own = try await store.eventPage(ofOne).events
        #expect(own.map(\.message) == [mine.id, mine.id, mine.id])
        #expect(EventRecord.number(of: all[4].id) == all[4].number)
    }
}
