extension Draft {
    /// The tree of RFC 2046 §5.1: related within alternative within mixed, each only where needed.
    var root: MIMEPart {
        let related = html == nil ? [] : attachments.filter(\.isRelated)
        let others = html == nil ? attachments : attachments.filter { !$0.isRelated }
        let body = body(related: related)
        return others.isEmpty
            ? body : .multipart("mixed", [body] + others.map { .attachment($0) }, root: nil)
    }

    private func body(related: [Attachment]) -> MIMEPart {
        guard let html else { return .text(text ?? "", "plain") }
        let page = MIMEPart.text(html, "html")
        let rich =
            related.isEmpty
            ? page
            // RFC 2387 §3.1 demands to say what kind of part the first one is.
            : .multipart("related", [page] + related.map { .attachment($0) }, root: "text/html")
        guard let text else { return rich }
        // The best form comes last: RFC 2046 §5.1.4.
        return .multipart("alternative", [.text(text, "plain"), rich], root: nil)
    }
}

extension Draft.Attachment {
    /// Part of the page: shown in its place by `cid:`.
    fileprivate var isRelated: Bool { disposition == .inline && contentID?.isEmpty == false }
}

/// A node of a mail's tree.
indirect enum MIMEPart {
    case text(String, _ subtype: String)
    case attachment(Draft.Attachment)
    case multipart(_ subtype: String, [MIMEPart], root: String?)
}
