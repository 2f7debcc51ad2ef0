import Mail
import Policy
import Wire

/// Limits, words and keywords.
extension ReceiveConnectorImport {
    mutating func readLimits() throws(ImportFailure) {
        var limits = JSONObject()
        try readSizes(&limits)
        try readRate(&limits)
        try readCount(
            "MaxRecipientsPerMessage",
            "recipients",
            1...100_000,
            unlimited: 100_000,
            &limits
        )
        try readCount(
            "MaxInboundConnection",
            "connections",
            1...1_000_000,
            unlimited: 1_000_000,
            &limits
        )
        try readCount(
            "MaxInboundConnectionPerSource",
            "connectionsPerSource",
            1...1_000_000,
            unlimited: 1_000_000,
            &limits
        )
        try readCount("MaxProtocolErrors", "protocolErrors", 0...1_000_000, unlimited: 0, &limits)
        try readCount("MaxLogonFailures", "logonFailures", 0...1_000_000, unlimited: 0, &limits)
        try readCount("MaxHopCount", "hops", 1...1000, unlimited: 1000, &limits)
        try readDuration("ConnectionTimeout", "lifetime", &limits)
        try readDuration("ConnectionInactivityTimeout", "inactivity", &limits)
        try readTarpit(&limits)
        if !limits.isEmpty { made.settings["limits"] = .object(limits) }
    }

    private func readSizes(_ limits: inout JSONObject) throws(ImportFailure) {
        for (setting, key) in [("MaxMessageSize", "messageSize"), ("MaxHeaderSize", "headerSize")] {
            let form = "a size such as 36 MB (37,748,736 bytes)"
            guard let octets = try source.read(setting, form, { ExchangeQuantity.octets($0) })
            else { continue }
            limits[key] = .string(Quantity.sizeText(octets))
            source.note(setting, .exact, "limits.\(key)")
        }
    }

    /// Whole numbers; Unlimited becomes the most that the file may say.
    private func readCount(
        _ setting: String,
        _ key: String,
        _ range: ClosedRange<Int>,
        unlimited: Int,
        _ limits: inout JSONObject
    ) throws(ImportFailure) {
        let count = try source.read(setting, "a whole number or Unlimited") { text in
            text == "Unlimited" ? unlimited : Int(text)
        }
        guard let count else { return }
        let kept = min(max(count, range.lowerBound), range.upperBound)
        limits[key] = .number(JSONNumber(kept))
        // Nought switches off; any other limit is one.
        let isSame = kept == count && (kept == 0 || source.text(setting) != "Unlimited")
        source.note(
            setting,
            isSame ? .exact : .approximated,
            "limits.\(key): \(kept)",
            because: isSame ? "" : "from \(range.lowerBound) to \(range.upperBound) here"
        )
    }

    private func readDuration(
        _ setting: String,
        _ key: String,
        _ limits: inout JSONObject
    ) throws(ImportFailure) {
        guard let duration = try source.duration(setting) else { return }
        limits[key] = .string(Quantity.text(duration))
        source.note(setting, .exact, "limits.\(key)")
    }

    /// One delay serves refusals and failed logons here.
    private func readTarpit(_ limits: inout JSONObject) throws(ImportFailure) {
        let most = Duration.seconds(15)
        let logon = try source.duration("AuthTarpitInterval")
        let tarpit = try source.duration("TarpitInterval")
        guard let longer = [tarpit, logon].compactMap(\.self).max() else { return }
        let kept = min(longer, most)
        limits["tarpit"] = .string(Quantity.text(kept))
        for (setting, value) in [("TarpitInterval", tarpit), ("AuthTarpitInterval", logon)] {
            guard let value else { continue }
            let reason =
                value > most
                ? "at most 15 s: some devices give up after 20"
                : "one delay serves both, the longer"
            source.note(
                setting,
                kept == value ? .exact : .approximated,
                "limits.tarpit: \(Quantity.text(kept))",
                because: kept == value ? "" : reason
            )
        }
    }

    private func readRate(_ limits: inout JSONObject) throws(ImportFailure) {
        let most = 1_000_000
        let rate = try source.read("MessageRateLimit", "a whole number or Unlimited") { text in
            text == "Unlimited" ? most : Int(text)
        }
        let counted = try source.choice("MessageRateSource", .rateSource) ?? "IPAddress"
        guard let rate else { return }
        if rate >= most {
            return source.note("MessageRateLimit", .exact, "no limits.messagesPerMinute")
        }
        guard counted == "IPAddress" || counted == "All" else {
            let cure =
                "counted by \(counted): give the application its own, app add --rate \(rate)/min"
            return source.note("MessageRateLimit", .approximated, because: cure)
        }
        limits["messagesPerMinute"] = .number(JSONNumber(max(1, rate)))
        source.note(
            "MessageRateLimit",
            counted == "IPAddress" ? .exact : .approximated,
            "limits.messagesPerMinute",
            because: counted == "IPAddress"
                ? "" : "counted by address; by user it is app add --rate"
        )
    }

    mutating func readWords() {
        if let name = source.text("Fqdn") {
            let isName = (try? Mailbox.domain(parsing: name)) != nil
            if isName { made.settings["fqdn"] = .string(name.lowercased()) }
            source.note("Fqdn", isName ? .exact : .none, isName ? "fqdn" : "")
        }
        if let banner = source.text("Banner") {
            made.settings["banner"] = .string(banner)
            source.note("Banner", .exact, "banner")
        }
    }

    mutating func readLogging() throws(ImportFailure) {
        guard let level = try source.choice("ProtocolLoggingLevel", .logging) else { return }
        let isKept = level == "Verbose"
        if isKept { made.settings["protocolLog"] = true }
        source.note("ProtocolLoggingLevel", .exact, isKept ? "protocolLog: true" : "")
    }

    mutating func readKeywords() throws(ImportFailure) {
        var hidden: [String] = []
        for (setting, keyword) in Self.keywords where source.text(setting) != nil {
            let isShown = try source.flag(setting)
            if !isShown { hidden.append(keyword) }
            source.note(setting, .exact, isShown ? keyword : "suppressKeywords: \(keyword)")
        }
        switch try source.choice("SizeEnabled", .size) {
        case "Disabled":
            hidden.append("SIZE")
            source.note("SizeEnabled", .exact, "suppressKeywords: SIZE")
        case "EnabledWithoutValue":
            source.note(
                "SizeEnabled",
                .approximated,
                "SIZE",
                because: "always shown with its value"
            )
        case nil: break
        default: source.note("SizeEnabled", .exact, "SIZE")
        }
        if !hidden.isEmpty { made.settings["suppressKeywords"] = .texts(hidden) }
    }

    private static let keywords = [
        ("PipeliningEnabled", "PIPELINING"), ("ChunkingEnabled", "CHUNKING"),
        ("BinaryMimeEnabled", "BINARYMIME"), ("EightBitMimeEnabled", "8BITMIME"),
        ("DeliveryStatusNotificationEnabled", "DSN"),
        ("EnhancedStatusCodesEnabled", "ENHANCEDSTATUSCODES"), ("SmtpUtf8Enabled", "SMTPUTF8"),
    ]
}
