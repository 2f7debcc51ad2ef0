import Mail

/// From an accepted MAIL to the end of its content.
struct SMTPTransaction: Sendable {
    let smtpUTF8: Bool
    let body: SMTPBody?
    /// How many were accepted.
    var recipients = 0
    var wasRefusedRecipients = false
    var contentOctets = 0
    var isTooLarge = false
    /// BDAT has begun: no recipient and no DATA may follow.
    var hasChunks = false
    /// Why a chunk was refused: each that follows is too, up to the last (RFC 3030 §2).
    var failure: SMTPReply?
    /// Of the chunks: a CR may end one and its LF begin the next.
    var lineEndings = LineEndings()

    init(smtpUTF8: Bool, body: SMTPBody?) {
        self.smtpUTF8 = smtpUTF8
        self.body = body
    }
}
