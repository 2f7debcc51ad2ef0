import Mail
import Store
import Testing
import Wire

@testable import Gateway

/// Contract section 7, message fields: whatever is wrong is named with its JSON pointer.
@Suite("A message as JSON")
struct MessageFormTests {
    private static let now = Timestamp(milliseconds: 1_700_000_000_000)  // 2023-11-14T22:13:20Z
    private static let id = MessageID(high: 1, low: 2)

    private func read(
        _ json: String,
        defaults: MessageForm.Defaults = .init(from: nil, to: []),
        at pointer: String = ""
    ) throws -> Result<MessageForm, FormErrors> {
        let octets = Array(json.utf8)
        var reader = JSONDocumentReader(streaming: [["attachments", "*", "content"]])
        try reader.receive(octets.span)
        let value = try reader.finish()
        do throws(FormErrors) {
            return .success(
                try MessageForm.read(
                    value,
                    at: pointer,
                    defaults: defaults,
                    id: Self.id,
                    hostname: "relay.example",
                    now: Self.now
                )
            )
        } catch {
            return .failure(error)
        }
    }

    private func problems(_ json: String, defaults: MessageForm.Defaults = .init()) throws
        -> [String]
    {
        guard case .failure(let errors) = try read(json, defaults: defaults) else { return [] }
        return errors.items.map { "\($0.pointer) \($0.code)" }.sorted()
    }

    /// A sound message with further members.
    private func sound(_ members: String = "") -> String {
        #"{"from":"a@corp.example","to":"b@corp.example","text":"hello""#
            + (members.isEmpty ? "" : "," + members) + "}"
    }

    @Test("the smallest message has a sender, a recipient and a text")
    func smallest() throws {
        let form = try read(sound()).get()
        #expect(form.sender == Mailbox(localPart: "a", domain: "corp.example"))
        #expect(form.recipients.map(\.description) == ["b@corp.example"])
        #expect(form.draft.text == "hello" && form.draft.html == nil && !form.isDryRun)
        #expect(form.draft.messageID == "<\(Self.id)@relay.example>")
        #expect(form.details.priority == .normal && form.details.sendAt == nil)
        #expect(form.places[0].pointer == "/to")
    }

    @Test("every field is understood")
    func every() throws {
        let form = try read(
            """
            {"from":{"email":"a@corp.example","name":"Backup"},
             "to":["b@corp.example","Bob <c@corp.example>",{"email":"D@corp.example"}],
             "cc":"e@corp.example","bcc":["f@corp.example"],"reply_to":"g@corp.example",
             "subject":"Grüße","text":"t","html":"<p>h</p>","headers":{"X-A":"1","X-B":"2"},
             "attachments":[{"filename":"a.txt","content_type":"text/plain","content":"aGk="},
                            {"content_id":"logo","content":""}],
             "tags":["a","b"],"metadata":{"job":"7"},"external_id":"x1",
             "send_at":"2023-11-15T00:00:00Z","expires_at":"2023-11-16T00:00:00+01:00",
             "priority":"critical","thread_key":"k","dry_run":true}
            """
        ).get()
        #expect(form.draft.from.name == "Backup")
        #expect(form.recipients.map(\.localPart) == ["b", "c", "D", "e", "f"])
        #expect(form.draft.to.map(\.name) == [nil, "Bob", nil] && form.draft.cc.count == 1)
        #expect(form.draft.replyTo.map(\.mailbox.localPart) == ["g"])
        #expect(form.draft.headers.map(\.name) == ["X-A", "X-B"])
        #expect(form.draft.attachments.map(\.disposition) == [.attachment, .inline])
        #expect(
            form.draft.attachments.map(\.contentType) == ["text/plain", "application/octet-stream"]
        )
        #expect(form.details.tags == ["a", "b"] && form.details.externalID == "x1")
        #expect(form.details.metadata.map(\.1) == ["7"])
        #expect(form.details.sendAt?.rfc3339 == "2023-11-15T00:00:00.000Z")
        #expect(form.details.expiresAt?.rfc3339 == "2023-11-15T23:00:00.000Z")
        #expect(form.details.priority == .critical && form.draft.importance == .critical)
        #expect(form.draft.threadKey == "k" && form.isDryRun)
        let places = form.places.map(\.pointer)
        #expect(places == ["/to/0", "/to/1", "/to/2", "/cc", "/bcc/0"])
    }

    @Test("a recipient named twice gets one mail, told at its first place")
    func twice() throws {
        let form = try read(
            #"{"from":"a@b.example","to":["x@b.example"],"cc":["x@b.example","y@b.example"],"text":""}"#
        ).get()
        #expect(form.recipients.map(\.localPart) == ["x", "y"])
        #expect(form.places[0].pointer == "/to/0")
    }

    @Test("null is as good as nothing")
    func null() throws {
        let form = try read(sound(#""cc":null,"subject":null,"attachments":null,"send_at":null"#))
            .get()
        #expect(form.recipients.count == 1 && form.draft.subject == nil)
    }

    static let wrongMembers: [(String, [String])] = [
        (#""nonsense":1"#, ["/nonsense unknown_field"]),
        (#""a/b~c":1"#, ["/a~1b~0c unknown_field"]),
        (#""Subject":"x""#, ["/Subject unknown_field"]),
        (#""subject":1"#, ["/subject wrong_type"]),
        (#""subject":"a\r\nBcc: x@y""#, ["/subject control_character"]),
        (#""html":[]"#, ["/html wrong_type"]),
        (#""cc":"nobody""#, ["/cc invalid_address"]),
        (#""cc":["a@b.example","x","y"]"#, ["/cc/1 invalid_address", "/cc/2 invalid_address"]),
        (#""cc":7"#, ["/cc wrong_type"]), (#""cc":[null]"#, ["/cc/0 wrong_type"]),
        (#""cc":{"name":"x"}"#, ["/cc/email missing"]),
        (#""cc":{"email":"x"}"#, ["/cc invalid_address"]),
        (#""cc":{"email":1}"#, ["/cc/email wrong_type"]),
        (#""cc":[{"email":"a@b.example","mail":"x"}]"#, ["/cc/0/mail unknown_field"]),
        (#""cc":{"email":"a@b.example","name":"x\ny"}"#, ["/cc/name control_character"]),
        (#""bcc":["a@b.example, c@d.example"]"#, ["/bcc/0 invalid_address"]),
        (#""reply_to":"@""#, ["/reply_to invalid_address"]),
        (#""headers":[]"#, ["/headers wrong_type"]),
        (#""headers":{"X-A":1}"#, ["/headers/X-A wrong_type"]),
        (#""headers":{"X A":"1"}"#, ["/headers/X A invalid_header"]),
        (#""headers":{"X/A":"1"}"#, []),
        (#""headers":{"X-A":"1\r\nBcc: x@y"}"#, ["/headers/X-A invalid_header"]),
        (#""attachments":{}"#, ["/attachments wrong_type"]),
        (#""attachments":["x"]"#, ["/attachments/0 wrong_type"]),
        (#""attachments":[{"filename":"x"}]"#, ["/attachments/0/content missing"]),
        (
            #""attachments":[{"content":"","disposition":"hidden"}]"#,
            ["/attachments/0/disposition invalid"]
        ),
        (
            #""attachments":[{"content":"","content_type":"pdf"}]"#,
            ["/attachments/0/content_type invalid"]
        ),
        (
            #""attachments":[{"content":"","content_id":"<a>"}]"#,
            ["/attachments/0/content_id invalid"]
        ),
        (
            #""attachments":[{"content":"","path":"/etc/passwd"}]"#,
            ["/attachments/0/path unknown_field"]
        ),
        (
            #""attachments":[{"content":"","filename":"a\nb"}]"#,
            ["/attachments/0/filename control_character"]
        ),
        (#""tags":"a""#, ["/tags wrong_type"]), (#""tags":["a",1]"#, ["/tags/1 wrong_type"]),
        (#""tags":["1","2","3","4","5","6","7","8","9","10","11"]"#, ["/tags too_many"]),
        (#""metadata":{"a":1}"#, ["/metadata/a wrong_type"]),
        (#""metadata":"x""#, ["/metadata wrong_type"]),
        (#""external_id":7"#, ["/external_id wrong_type"]),
        (#""priority":"urgent""#, ["/priority invalid"]),
        (#""priority":1"#, ["/priority wrong_type"]),
        (#""send_at":"tomorrow""#, ["/send_at invalid"]),
        (#""send_at":1700000000"#, ["/send_at wrong_type"]),
        (#""expires_at":"2023-11-14T22:13:20Z""#, ["/expires_at invalid"]),
        (
            #""send_at":"2023-11-16T00:00:00Z","expires_at":"2023-11-15T00:00:00Z""#,
            ["/expires_at invalid"]
        ),
        (#""dry_run":"yes""#, ["/dry_run wrong_type"]),
        (
            #""subject":1,"priority":"x","cc":"y","z":0"#,
            ["/cc invalid_address", "/priority invalid", "/subject wrong_type", "/z unknown_field"]
        ),
    ]

    @Test("whatever is wrong is told at its place, and all of it at once", arguments: wrongMembers)
    func wrong(members: String, expected: [String]) throws {
        #expect(try problems(sound(members)) == expected)
    }

    @Test(
        "headers with a field of their own, and the gateway's, are 422",
        arguments: [
            "From", "To", "Cc", "Bcc", "Reply-To", "Subject", "Sender", "Date", "Message-ID",
            "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Received", "Return-Path",
            "Resent-To", "Resent-Message-ID", "DKIM-Signature", "subject", "RECEIVED", "content-x",
        ]
    )
    func ownHeaders(name: String) throws {
        #expect(
            try problems(sound(#""headers":{"\#(name)":"x"}"#)) == [
                "/headers/\(name) invalid_header"
            ]
        )
    }

    static let incomplete: [(String, [String])] = [
        (#"{"to":"b@corp.example","text":""}"#, ["/from missing"]),
        (#"{"from":"a@corp.example","text":""}"#, ["/to missing"]),
        (#"{"from":"a@corp.example","to":[],"text":""}"#, ["/to missing"]),
        (#"{"text":""}"#, ["/from missing", "/to missing"]),
        (#"{"from":"a@corp.example","to":"b@corp.example"}"#, ["/text missing"]),
        (#"{"from":"x","to":"b@corp.example","text":""}"#, ["/from invalid_address"]),
        (#"{"from":["a@corp.example"],"to":"b@corp.example","text":""}"#, ["/from wrong_type"]),
        (#"{"from":"","to":"b@corp.example","text":""}"#, ["/from invalid_address"]),
    ]

    @Test("a message needs a sender, a recipient and a content", arguments: incomplete)
    func missing(json: String, expected: [String]) throws {
        #expect(try problems(json) == expected)
    }

    @Test(
        "any of text, html and attachments is content; an empty text is one",
        arguments: [
            #""text":"""#, #""html":"<p>""#, #""attachments":[{"content":""}]"#,
        ]
    )
    func content(members: String) throws {
        let json = #"{"from":"a@corp.example","to":"b@corp.example",\#(members)}"#
        #expect(try problems(json) == [])
    }

    @Test("the application's defaults stand in for what is absent, not for what is wrong")
    func defaults() throws {
        let defaults = MessageForm.Defaults(
            from: "Backup <d@corp.example>",
            to: ["x@corp.example", "y@corp.example"]
        )
        let form = try read(#"{"text":"t"}"#, defaults: defaults).get()
        #expect(form.sender.localPart == "d" && form.draft.from.name == "Backup")
        #expect(form.recipients.map(\.localPart) == ["x", "y"])
        #expect(form.places[1].pointer == "/to")
        // A copy is a recipient: the default is for a message that names nobody.
        let copy = try read(#"{"text":"t","bcc":"z@corp.example"}"#, defaults: defaults).get()
        #expect(copy.recipients.map(\.localPart) == ["z"])
        #expect(
            try problems(#"{"text":"t","to":"x"}"#, defaults: defaults) == ["/to invalid_address"]
        )
        #expect(
            try problems(#"{"text":"t","from":"x"}"#, defaults: defaults)
                == ["/from invalid_address"]
        )
    }

    @Test("what is not an object is no message, and pointers begin where the message stands")
    func place() throws {
        for json in ["[]", "\"x\"", "1", "null"] {
            #expect(try problems(json) == [" wrong_type"])
        }
        guard case .failure(let errors) = try read(sound(#""z":1"#), at: "/messages/3") else {
            Issue.record("an unknown field passed")
            return
        }
        #expect(errors.items.map(\.pointer) == ["/messages/3/z"])
    }

    @Test("long texts are bounded where they stand in columns")
    func bounds() throws {
        let long = String(repeating: "x", count: 256)
        for name in ["external_id", "thread_key"] {
            #expect(try problems(sound("\"\(name)\":\"\(long)\"")) == ["/\(name) too_long"])
            #expect(try problems(sound("\"\(name)\":\"\(long.dropLast())\"")) == [])
        }
    }

    @Test("priorities set the lane")
    func lanes() {
        let expected: [(Importance?, Priority)] = [
            (nil, .normal), (.normal, .normal), (.critical, .critical), (.high, .high),
            (.low, .low),
        ]
        for (importance, priority) in expected { #expect(Priority(importance) == priority) }
    }
}
