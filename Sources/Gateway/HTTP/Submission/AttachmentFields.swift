import Mail
import Wire

/// The `attachments` of a form. Their content was read apart and stands here as a number.
enum AttachmentFields {
    static func read(_ form: inout FormReader) -> [Draft.Attachment] {
        guard let value = form.value("attachments") else { return [] }
        guard case .array(let elements) = value else {
            form.note("attachments", "wrong_type", "attachments must be a list")
            return []
        }
        var attachments: [Draft.Attachment] = []
        for (index, element) in elements.enumerated() {
            let pointer = "\(form.place("attachments"))/\(index)"
            guard var reader = FormReader(element, at: pointer) else {
                form.note([.init(pointer, "wrong_type", "an attachment must be an object")])
                continue
            }
            if let attachment = read(&reader) { attachments.append(attachment) }
            form.note(reader.problems)
        }
        return attachments
    }

    private static func read(_ form: inout FormReader) -> Draft.Attachment? {
        let filename = form.line("filename", maximum: 1000)
        let contentType = form.string("content_type", maximum: 255)
        let contentID = form.string("content_id", maximum: 255)
        let disposition = form.choice("disposition", Draft.Attachment.Disposition.self)
        let content = form.value("content")
        form.finish()
        if let contentType, MediaType(parsing: contentType) == nil {
            form.note("content_type", "invalid", "content_type must look like application/pdf")
        }
        if let contentID, !isContentID(contentID) {
            form.note("content_id", "invalid", "content_id must be printable ASCII without <>")
        }
        guard case .streamed(let number) = content else {
            form.note("content", "missing", "an attachment needs content, a base64 string")
            return nil
        }
        return Draft.Attachment(
            filename: filename,
            contentType: contentType ?? "application/octet-stream",
            contentID: contentID,
            disposition: disposition ?? (contentID == nil ? .attachment : .inline),
            content: .elsewhere(number)
        )
    }

    /// What can stand between angle brackets (RFC 2045 §7).
    private static func isContentID(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (33...126).contains($0) && $0 != 60 && $0 != 62 }
    }
}

extension Draft.Attachment.Disposition: CaseIterable {
    static let allCases: [Draft.Attachment.Disposition] = [.attachment, .inline]
}
