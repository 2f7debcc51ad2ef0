package import Mail

/// A message and what became of it.
package struct MessageRecord: Sendable {
    package var key: MessageKey
    package var id: MessageID
    package var createdAt: Timestamp
    package var application: ApplicationID?
    /// Nil when the application is gone.
    package var applicationName: String?
    package var connector: String
    package var sender: ReversePath
    package var details: MessageDetails
    package var recipients: [RecipientRecord]

    /// The worst of the recipients'.
    package var status: RecipientStatus {
        .worst(of: recipients.lazy.map(\.status)) ?? .canceled
    }
}

package struct RecipientRecord: Sendable, Equatable {
    package var mailbox: Mailbox
    package var status: RecipientStatus
    package var route: String
    package var attempts: Int
    package var nextAttemptAt: Timestamp?
    package var lastReply: NextHopReply?
    package var reports = DSNRecipient()

    /// Nothing more happens to it by itself: it is done, or waits for an operator to decide.
    package var isSettled: Bool {
        status.isFinal || (status == .uncertain && nextAttemptAt == nil)
    }
}

package struct EventRecord: Sendable, Equatable {
    /// Grows with each event and is never given twice.
    package var number: Int64
    package var at: Timestamp
    package var type: String
    package var message: MessageID?
    package var application: ApplicationID?
    /// Nil when it concerns the whole message.
    package var recipient: Mailbox?
    /// A JSON object, or nil when there is nothing to add.
    package var detail: String?

    package var id: String { Self.id(of: number) }

    /// `evt_` and the number in 16 hexadecimal digits.
    package static func id(of number: Int64) -> String {
        let digits = String(number, radix: 16)
        return "evt_" + String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The number in such an id.
    package static func number(of id: some StringProtocol) -> Int64? {
        guard id.hasPrefix("evt_"), id.utf8.count == 20 else { return nil }
        return Int64(id.dropFirst(4), radix: 16)
    }
}

/// How many recipients wait alike.
package struct QueueLine: Sendable, Equatable {
    package var route: String
    package var status: RecipientStatus
    package var domain: String
    package var priority: Priority
    package var count: Int
    /// When the oldest of their messages was made.
    package var oldest: Timestamp
}
