import Mail
import Store
import Wire

/// multipart/form-data: fields as in JSON, files as attachments (RFC 7578).
extension MessageIntake {
    func readFormData(
        _ body: any RequestBody,
        boundary: String
    ) async throws(Problem) -> Reading {
        var reader = MultipartReader(boundary: boundary)
        var form = FormDataFields()
        let contents = AttachmentContents(store: store)
        defer { contents.abandon() }
        do {
            while let piece = try await body.next() {
                reader.receive(piece.span)
                try await drain(&reader, into: &form, contents)
            }
            try sound { () throws(MultipartError) in try reader.finish() }
            let candidate = try candidate(from: try form.value(), at: "", contents)
            return ([candidate], contents.problems)
        } catch let error as FormErrors {
            return ([], error.items)
        } catch {
            throw error as? Problem ?? .malformed("the form cannot be read")
        }
    }

    private func sound<Value>(
        _ read: () throws(MultipartError) -> Value
    ) throws(Problem) -> Value {
        do throws(MultipartError) {
            return try read()
        } catch {
            throw .malformed("the form is damaged: \(error.reason)")
        }
    }

    private func drain(
        _ reader: inout MultipartReader,
        into form: inout FormDataFields,
        _ contents: AttachmentContents
    ) async throws(Problem) {
        while let event = try sound({ () throws(MultipartError) in try reader.next() }) {
            switch event {
            case .part(let part): try form.begin(part)
            case .body(let octets):
                guard let number = form.openFile else {
                    try form.append(octets)
                    continue
                }
                try await stored { () async throws(StoreError) in
                    try await contents.receive(octets, under: number, isLast: false)
                }
            case .partEnd:
                if let number = form.openFile {
                    try await stored { () async throws(StoreError) in
                        try await contents.receive([], under: number, isLast: true)
                    }
                }
                try form.end()
            case .end: break
            }
        }
    }
}

/// The fields of a form as they arrive, to become the object that JSON would have been.
private struct FormDataFields {
    private var fields: [(name: String, values: [JSONValue])] = []
    private var attachments: [JSONValue] = []
    private var part: MultipartPart?
    private var text: [UInt8] = []

    /// The number under which the file at hand is kept; nil inside a plain field.
    var openFile: Int? { part?.filename == nil ? nil : attachments.count }

    private static let lists: Set<String> = ["to", "cc", "bcc", "reply_to", "tags"]
    private static let objects: Set<String> = ["headers", "metadata"]
    private static let fieldLimit = 4 << 20

    mutating func begin(_ part: MultipartPart) throws(Problem) {
        self.part = part
        text = []
    }

    mutating func append(_ octets: [UInt8]) throws(Problem) {
        text += octets
        guard text.count <= Self.fieldLimit else { throw .tooLarge(limit: Self.fieldLimit) }
    }

    mutating func end() throws(Problem) {
        guard let part else { return }
        self.part = nil
        if let filename = part.filename {
            attachments.append(attachment(part, filename))
            return
        }
        guard let name = part.name else { throw .malformed("a form field has no name") }
        let value = try value(of: name)
        if let index = fields.firstIndex(where: { $0.name == name }) {
            fields[index].values.append(value)
        } else {
            fields.append((name, [value]))
        }
    }

    private func attachment(_ part: MultipartPart, _ filename: String) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("filename", .string(filename)), ("content", .streamed(attachments.count)),
        ]
        if let contentType = part.contentType {
            members.append(("content_type", .string(contentType.essence)))
        }
        return .object(JSONObject(members))
    }

    private func value(of name: String) throws(Problem) -> JSONValue {
        if Self.objects.contains(name) {
            do {
                return try JSONValue.parse(text.span)
            } catch {
                throw Problem(error)
            }
        }
        guard let string = String(validating: text, as: UTF8.self) else {
            throw .invalid("/" + name, "the field is not UTF-8")
        }
        if name == "dry_run", string == "true" || string == "false" {
            return .bool(string == "true")
        }
        return .string(string)
    }

    func value() throws(FormErrors) -> JSONValue {
        var members: [(String, JSONValue)] = []
        for (name, values) in fields {
            if Self.lists.contains(name) {
                members.append((name, .array(values)))
            } else if values.count == 1 {
                members.append((name, values[0]))
            } else {
                throw FormErrors(items: [
                    .init("/" + name, "too_many", "\(name) may be given once")
                ])
            }
        }
        if !attachments.isEmpty { members.append(("attachments", .array(attachments))) }
        return .object(JSONObject(members))
    }
}
