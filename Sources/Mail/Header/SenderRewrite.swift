/// Makes mail come from one address, for a next hop that takes it from no other. Whom it came from is
/// kept as the one to answer.
package struct SenderRewrite: Sendable, Hashable {
    package let address: Mailbox

    package init(to address: Mailbox) {
        self.address = address
    }

    /// The null sender stays: nobody wants an answer to a report (RFC 5321 §4.5.5).
    package func envelope(_ sender: ReversePath) -> ReversePath {
        if case .mailbox = sender { .mailbox(address) } else { sender }
    }

    /// From becomes the address, with the name of the one it replaces; the original goes to Reply-To,
    /// unless the author has said already where answers go. One author has no other Sender (RFC 5322
    /// §3.6.2).
    package func apply(to header: inout HeaderBlock) {
        let originals = header.all("From").flatMap { field in
            (try? AddressList.parse(field.text)) ?? []
        }
        let isOurs = !originals.isEmpty && originals.allSatisfy { $0.mailbox == address }
        guard !isOurs else { return header.remove("Sender") }
        let author = NamedMailbox(name: originals.first?.name, mailbox: address)
        let from = HeaderField(name: "From", addresses: [author])
        if let place = header.fields.firstIndex(where: { $0.isNamed("From") }) {
            header.remove("From")
            header.fields.insert(from, at: min(place, header.fields.count))
        } else {
            header.fields.append(from)
        }
        header.remove("Sender")
        guard header.first("Reply-To") == nil, !originals.isEmpty else { return }
        header.fields.append(HeaderField(name: "Reply-To", addresses: originals))
    }
}
