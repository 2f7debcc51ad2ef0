import Mail
import Store
import Testing

@testable import Delivery

private func moment(_ seconds: Double) -> Timestamp {
    Timestamp(milliseconds: 1_800_000_000_000 + Int64(seconds * 1000))
}

@Suite("Quota") struct QuotaTests {
    // MARK: Replies

    static let replies: [(String, String?)] = [
        ("432 4.3.2 Concurrent connections limit exceeded", "concurrency"),
        ("432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", "concurrency"),
        ("421 4.7.0 Too many connections from your host", "concurrency"),
        ("554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException", "dayQuota"),
        ("550 5.1.90 Your message can't be sent because you've reached your limit", "dayQuota"),
        ("550 5.7.232 Your message can't be sent: tenant external rate", "dayQuota"),
        ("550 5.7.233 Your message can't be sent", "dayQuota"),
        ("550 5.4.5 Daily user sending limit exceeded", "dayQuota"),
        ("550 5.7.1 Daily SMTP relay limit exceeded for customer", "dayQuota"),
        ("450 4.2.1 Peak SMTP relay limit exceeded for customer", "rate"),
        ("451 4.7.500 Server busy. Please try again later", "rate"),
        ("451 4.7.651 The mail server has been temporarily rate limited", "rate"),
        ("421 4.4.2 Message submission rate for this client has exceeded the limit", "rate"),
        ("550 5.2.251 Sender throttled due to continuous mailbox full errors", "throttled"),
        ("550 5.2.255 Sender throttled due to continuous invalid recipients errors", "throttled"),
        ("550 5.1.8 Access denied, bad outbound sender", "throttled"),
        ("535 5.7.139 Authentication unsuccessful, SMTP AUTH is disabled", "permission"),
        ("550 5.7.30 Basic authentication is not supported", "permission"),
        ("550 5.7.64 TenantAttribution; Relay Access Denied", "permission"),
        ("550 5.7.68 TenantInboundAttribution; Direct Send not allowed", "permission"),
        // What is of one recipient or one mail.
        ("550 5.1.1 No such user", nil), ("552 5.2.2 Mailbox full", nil),
        ("550 5.2.1 Mailbox disabled", nil), ("450 4.2.1 Greylisted", nil),
        ("450 4.2.1 The user is receiving mail at a rate that prevents delivery", nil),
        ("550 5.7.1 Message rejected as spam", nil), ("550 5.7.23 SPF validation failed", nil),
        ("554 5.2.0 Mailbox unavailable", nil), ("550 5.2.25 x", nil), ("550 5.2.2510 x", nil),
        ("535 5.7.3 Authentication unsuccessful", nil), ("452 4.5.3 Too many recipients", nil),
    ]

    @Test("a reply about the customer is told from one about the mail", arguments: replies)
    func classification(_ reply: String, _ kind: String?) throws {
        let words = reply.split(separator: " ", maxSplits: 2).map(String.init)
        let code = try #require(Int(words[0]))
        let hop = HopReply(code: code, enhanced: words[1], text: words[2], host: "h")
        #expect(UpstreamTrouble(hop)?.kind.rawValue == kind)
        guard kind != nil else { return }
        for phase in [Phase.mail, .recipient, .data, .afterContent] {
            #expect(Finding(on: hop, in: phase) == .routeCondition, "it is never bounced")
        }
    }

    // MARK: Windows

    @Test("within any minute no more is sent than the limit")
    func slidingMinute() {
        var random = SystemRandomNumberGenerator()
        var quota = RouteQuota()
        quota.adopt(RouteLimits(messagesPerMinute: 30))
        var sent: [Double] = []
        var now = 0.0
        for _ in 0..<4000 {
            now += Double.random(in: 0...0.7, using: &random)
            let lane = Int.random(in: 0..<4, using: &random)
            quota.forget(at: moment(now))
            guard quota.room(for: lane) > 0 else { continue }
            quota.begin(1, lane: lane)
            _ = quota.end(1, lane: lane, sent: 1, wasOffered: true, at: moment(now))
            sent.append(now)
            #expect(sent.count { $0 > now - 60 } <= 30)
        }
        #expect(Double(sent.count) > now / 60 * 26, "and not much less")
    }

    @Test("the next slot is when there is room, and not before")
    func nextSlot() throws {
        var quota = RouteQuota()
        quota.adopt(RouteLimits(messagesPerMinute: 1))
        quota.begin(1, lane: 2)
        #expect(quota.nextRoom(for: 2, at: moment(0)) == nil, "what is under way decides")
        _ = quota.end(1, lane: 2, sent: 1, wasOffered: true, at: moment(0.5))
        let next = try #require(quota.nextRoom(for: 2, at: moment(1)))
        #expect(next == moment(61))
        quota.forget(at: moment(60.9))
        #expect(quota.room(for: 2) == 0)
        quota.forget(at: next)
        #expect(quota.room(for: 2) > 0)
    }

    @Test("a day's recipients bound a message, and come back after a day")
    func day() {
        var quota = RouteQuota()
        quota.adopt(RouteLimits(recipientsPerDay: 100))
        #expect(quota.room(for: 2) == 80, "less what is kept for the other lanes")
        quota.begin(80, lane: 2)
        #expect(quota.room(for: 2) == 0 && quota.room(for: 0) == 10)
        _ = quota.end(80, lane: 2, sent: 70, wasOffered: true, at: moment(0))
        #expect(quota.room(for: 2) == 10, "who was refused does not count")
        quota.forget(at: moment(86_400 + 600))
        #expect(quota.room(for: 2) == 80)
    }

    @Test("what an earlier process used counts, and other limits keep what was used")
    func recall() {
        var first = RouteQuota()
        let limits = RouteLimits(messagesPerMinute: 20, recipientsPerDay: 100)
        first.adopt(limits)
        var uses: [QuotaUse] = []
        for _ in 0..<10 {
            first.begin(4, lane: 2)
            uses += first.end(4, lane: 2, sent: 4, wasOffered: true, at: moment(1))
        }
        var second = RouteQuota()
        second.adopt(limits)
        second.recall(uses)
        for lane in 0..<4 { #expect(second.room(for: lane) == first.room(for: lane)) }
        second.adopt(RouteLimits(recipientsPerDay: 40))
        #expect((0..<4).allSatisfy { second.room(for: $0) == 0 })
        second.adopt(nil)
        #expect(!second.isLimited)
    }

    // MARK: Lanes

    @Test(
        "of any resource each lane has its share, and alone nearly all",
        arguments: 1...60,
        LaneShare.Resource.allCases
    )
    func shares(_ limit: Int, _ resource: LaneShare.Resource) {
        for lane in 0..<4 {
            let crowd = filled(by: [lane], limit, resource)
            #expect(crowd[lane] >= max(1, limit * 3 / 4 - 1) || limit < 4)
            for other in 0..<4 where other != lane {
                let kept = LaneShare.guaranteed(other, of: limit, resource)
                #expect(LaneShare.room(for: other, beside: crowd, of: limit, resource) >= kept)
            }
        }
        let all = filled(by: [3, 2, 1, 0], limit, resource)
        #expect(all.wrappedSum() == limit, "nothing is left lying")
        #expect((0..<4).allSatisfy { all[$0] >= LaneShare.guaranteed($0, of: limit, resource) })
    }

    @Test("a critical mail never waits for others, but where there is one connection only")
    func critical() {
        for limit in 2...100 {
            let crowd = filled(by: [3, 2, 1], limit, .connections)
            #expect(LaneShare.room(for: 0, beside: crowd, of: limit, .connections) >= 1, "\(limit)")
        }
        for limit in 10...100 {
            let crowd = filled(by: [3, 2, 1], limit, .quota)
            #expect(LaneShare.room(for: 0, beside: crowd, of: limit, .quota) >= limit / 10)
        }
    }

    @Test("a quota too small to be parted is used to its last piece", arguments: 1..<10)
    func smallQuota(_ limit: Int) {
        #expect(filled(by: [2], limit, .quota)[2] == limit)
    }

    private func filled(
        by lanes: [Int],
        _ limit: Int,
        _ resource: LaneShare.Resource
    ) -> LaneShare.Use {
        var use = LaneShare.Use()
        for lane in lanes {
            while LaneShare.room(for: lane, beside: use, of: limit, resource) > 0 { use[lane] += 1 }
        }
        return use
    }
}
