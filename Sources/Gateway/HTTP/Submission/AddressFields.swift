import Mail
import Wire

/// Addresses in a form: `"a@b"`, `"Name <a@b>"` or `{email, name}`; one or a list.
extension FormReader {
    mutating func addresses(_ name: String) -> [NamedMailbox]? {
        guard let value = value(name) else { return nil }
        guard case .array(let elements) = value else {
            let form = self
            return address(value, at: form.place(name)).map { [$0] } ?? []
        }
        let form = self
        return elements.enumerated().compactMap { index, element in
            address(element, at: "\(form.place(name))/\(index)")
        }
    }

    mutating func address(_ name: String) -> NamedMailbox? {
        guard let value = value(name) else { return nil }
        let form = self
        return address(value, at: form.place(name))
    }

    private mutating func address(
        _ value: JSONValue,
        at pointer: @autoclosure () -> String
    ) -> NamedMailbox? {
        do throws(AddressError) {
            switch value {
            case .string(let text):
                return try NamedMailbox(parsing: text)
            case .object:
                return try addressObject(value, at: pointer())
            default:
                note([.init(pointer(), "wrong_type", "must be an address")])
            }
        } catch {
            note([.init(pointer(), "invalid_address", error.reason)])
        }
        return nil
    }

    private mutating func addressObject(
        _ value: JSONValue,
        at pointer: String
    ) throws(AddressError) -> NamedMailbox? {
        guard var form = FormReader(value, at: pointer) else { return nil }
        let name = form.line("name")
        let email = form.string("email")
        if email == nil, form.problems.isEmpty {
            form.note("email", "missing", "an address object needs email")
        }
        form.finish()
        note(form.problems)
        guard let email, form.problems.isEmpty else { return nil }
        return NamedMailbox(
            name: name.flatMap { $0.isEmpty ? nil : $0 },
            mailbox: try Mailbox(parsing: email)
        )
    }
}
