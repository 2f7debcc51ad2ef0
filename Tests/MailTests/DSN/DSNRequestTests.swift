import Mail
import Testing

@Suite("What a sender asks of reports")
struct DSNRequestTests {
    static let notifies: [(String, DSNNotify?)] = [
        ("NEVER", .never), ("never", .never), ("SUCCESS", .success),
        ("failure,Delay", [.failure, .delay]),
        ("DELAY,SUCCESS,FAILURE", [.success, .failure, .delay]), ("", nil), ("NEVER,SUCCESS", nil),
        ("SUCCESS,NEVER", nil), ("SUCCESS,", nil), (",SUCCESS", nil), ("SUCCESS,SUCCESS", nil),
        ("ALWAYS", nil), ("SUCCESS FAILURE", nil),
    ]
    @Test("NOTIFY is NEVER alone, or a list without repetition", arguments: notifies)
    func notify(_ text: String, _ expected: DSNNotify?) {
        #expect(DSNNotify(parameter: text) == expected)
        if let expected { #expect(DSNNotify(parameter: expected.parameter) == expected) }
    }

    static let originals: [(String, String?)] = [
        ("rfc822;anna@corp.example", "rfc822;anna@corp.example"),
        ("RFC822;a+2Bb+3Dc+20d@corp.example", "RFC822;a+b=c d@corp.example"),
        ("x400;/c=us/", nil), ("x400;/c+3Dus/", "x400;/c=us/"), ("rfc822;", nil), ("rfc822", nil),
        (";anna@corp.example", nil), ("rfc 822;x", nil), ("rfc822;a+2b", nil), ("rfc822;a+2", nil),
        ("rfc822;a+", nil), ("rfc822;a+0D+0A", nil), ("rfc822;a+FC", nil), ("rfc822;\u{fc}@x", nil),
        ("utf-8;\u{fc}@corp.example", "utf-8;\u{fc}@corp.example"),
        (
            "rfc822;" + String(repeating: "a", count: 493),
            "rfc822;" + String(repeating: "a", count: 493)
        ),
        ("rfc822;" + String(repeating: "a", count: 494), nil),
    ]
    @Test("ORCPT is a type and an address in xtext", arguments: originals)
    func original(_ text: String, _ expected: String?) {
        let original = OriginalRecipient(parameter: text)
        #expect(original?.field == expected)
        guard let original else { return }
        #expect(original.parameter == text)
        #expect(OriginalRecipient(field: original.field) == original)
    }

    static let envelopes: [(String, String?)] = [
        ("QQ314159", "QQ314159"), ("a+3Db+2B", "a=b+"), ("", nil), ("a=b", nil), ("a+3d", nil),
        (String(repeating: "e", count: 100), String(repeating: "e", count: 100)),
        (String(repeating: "e", count: 101), nil), ("\u{fc}", nil),
    ]
    @Test("ENVID is xtext of at most 100 octets", arguments: envelopes)
    func envelope(_ text: String, _ expected: String?) {
        let id = EnvelopeID(parameter: text)
        #expect(id?.text == expected)
        if let id { #expect(id.parameter == text) }
    }

    @Test("a request that says nothing is none, and equal ones are equal")
    func requests() {
        #expect(DSNRequest() == nil)
        let one = DSNRequest(returns: .headers, recipient: .init(notify: .never))
        #expect(
            one == DSNRequest(returns: .headers, recipient: .init(notify: .never)) && one != nil
        )
        #expect(one != DSNRequest(returns: .full, recipient: .init(notify: .never)))
        #expect(one != DSNRequest(returns: .headers))
    }
}
