import Delivery
import Mail
import Policy
import Store
import Wire

/// /v1/applications: who may submit, and as whom.
enum ApplicationResource {
    static func list(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        .json { json in
            json.beginObject()
            json.members("data", api.directory.applications) { $0.write(to: &$1) }
            json.endObject()
        }
    }

    static func show(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let record = try find(api, request)
        return .json { record.write(to: &$0) }
    }

    static func create(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        var form = try await api.form(of: request)
        var record = ApplicationRecord(
            id: ApplicationID(at: api.now),
            name: "",
            scopes: Scope.standard.map(\.rawValue),
            createdAt: api.now
        )
        record.read(&form, isNew: true)
        record.readDeadline(&form, by: api.configuration.rulebook)
        form.finish()
        guard form.problems.isEmpty else { throw .invalid(form.problems) }
        try checkCertificates(of: record, api)
        try await write(api, taken: record.name) { () async throws(StoreError) in
            try await api.store.insert(record)
        }
        try await api.note("application.created", request, record.facts)
        return .json(201) { record.write(to: &$0) }
            .with("Location", "/v1/applications/\(record.id)")
    }

    static func update(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        var form = try await api.form(of: request)
        // Looked up after the body came: a slow client must not undo what others changed meanwhile.
        var record = try find(api, request)
        record.read(&form, isNew: false)
        record.readDeadline(&form, by: api.configuration.rulebook)
        form.finish()
        guard form.problems.isEmpty else { throw .invalid(form.problems) }
        try checkCertificates(of: record, api)
        try await write(api, taken: record.name) { () async throws(StoreError) in
            try await api.store.update(record)
        }
        try await api.note("application.updated", request, record.facts)
        return .json { record.write(to: &$0) }
    }

    static func remove(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let record = try find(api, request)
        try await write(api, taken: record.name) { () async throws(StoreError) in
            try await api.store.remove(record.id)
        }
        try await api.note("application.removed", request, record.facts)
        return .noContent
    }

    /// A certificate that two applications list would be nobody's.
    private static func checkCertificates(
        of record: ApplicationRecord,
        _ api: API
    ) throws(Problem) {
        let others = api.directory.applications.filter { $0.id != record.id }
        for (index, fingerprint) in record.certificates.enumerated() {
            guard let holder = others.first(where: { $0.certificates.contains(fingerprint) })
            else { continue }
            throw Problem(
                409,
                "already_exists",
                "the application \(holder.name) lists this certificate already",
                items: [
                    .init("/certificates/\(index)", "already_exists", "listed by \(holder.name)")
                ]
            )
        }
    }

    static func find(_ api: API, _ request: Request) throws(Problem) -> ApplicationRecord {
        guard let record = api.directory.application(try request.parameter("id")) else {
            throw .notFound
        }
        return record
    }

    private static func write(
        _ api: API,
        taken name: String,
        _ work: () async throws(StoreError) -> Void
    ) async throws(Problem) {
        do throws(StoreError) {
            try await work()
            try await api.directory.reload()
        } catch .conflict {
            throw Problem(
                409,
                "already_exists",
                "there is an application \(name) already",
                items: [.init("/name", "already_exists", "the name is taken")]
            )
        } catch {
            throw Problem(error)
        }
    }
}

extension ApplicationRecord {
    /// What the log tells of it.
    fileprivate var facts: [(String, String)] {
        [("application", id.description), ("name", name)]
    }

    /// Takes over what the form says; a field that is absent stays as it is.
    fileprivate mutating func read(_ form: inout FormReader, isNew: Bool) {
        if let name = form.string("name", maximum: 100) {
            self.name = name
            if name.isEmpty || name.contains(where: { $0 < " " || $0 == "/" })
                || ApplicationID(name) != nil || name == KeyResource.administrators
            {
                form.note(
                    "name",
                    "invalid",
                    "a name is text without / and control characters, not \"-\" and no id"
                )
            }
        } else if isNew, form.problems.isEmpty {
            form.note("name", "missing", "an application needs a name")
        }
        if let relay = form.choice("relay", Relay.self) { relaysExternally = relay == .external }
        senders = form.checked("senders", senders, "a@d, *@d, *@*.d or *") {
            AddressPattern($0)?.description
        }
        recipients = form.checked("recipients", recipients, "a@d, *@d, *@*.d or *") {
            AddressPattern($0)?.description
        }
        scopes = form.checked(
            "scopes",
            scopes,
            Scope.grantable.map(\.rawValue).joined(separator: ", ")
        ) { text in Scope.grantable.first { $0.rawValue == text }?.rawValue }
        ipRanges = form.checked("ip_ranges", ipRanges, "an address, a CIDR block or a-b") {
            AddressRange($0)?.description
        }
        certificates = form.checked(
            "certificates",
            certificates,
            "a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons"
        ) { CertificateFingerprint($0)?.text }
        if form.isGiven("uncertain") {
            uncertain = form.choice("uncertain", DeliverySettings.Uncertainty.self)?.rawValue
        }
        readRate(&form)
        readDefaults(&form)
    }

    /// A number of messages a minute, or the text `100/min`; null takes the rate away.
    private mutating func readRate(_ form: inout FormReader) {
        guard form.isGiven("rate") else { return }
        guard let value = form.value("rate") else {
            rate = nil
            return
        }
        let number: Int? =
            switch value {
            case .number(let number): number.int
            case .string(let text) where text.hasSuffix("/min"): Int(text.dropLast(4))
            default: nil
            }
        if let number, (1...1_000_000).contains(number) {
            rate = number
        } else {
            form.note(
                "rate",
                "invalid",
                "rate must be a number of messages a minute, or \"100/min\""
            )
        }
    }

    private mutating func readDefaults(_ form: inout FormReader) {
        if form.isGiven("default_from") {
            defaultFrom = form.string("default_from")
            if let text = defaultFrom { form.checkAddress(text, "default_from") }
        }
        if let texts = form.strings("default_to") {
            defaultTo = texts
            for text in texts { form.checkAddress(text, "default_to") }
        }
    }

    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", id.description)
        json.member("name", name)
        json.member("relay", (relaysExternally ? Relay.external : .internal).rawValue)
        json.member("senders", senders)
        json.member("recipients", recipients)
        json.member("scopes", scopes)
        json.member("rate", rate.map { "\($0)/min" })
        json.member("ip_ranges", ipRanges)
        json.member("certificates", certificates)
        json.member("default_from", defaultFrom)
        json.member("default_to", defaultTo)
        json.member("uncertain", uncertain)
        json.member("deliver_within", deliverWithin.map(Quantity.text))
        json.member("escalate_route", escalateRoute)
        json.member("escalate_to", escalateTo)
        json.member("created_at", createdAt)
        json.endObject()
    }
}

/// How far an application's mail may go.
enum Relay: String, CaseIterable {
    case `internal`
    case external
}

extension FormReader {
    /// A list whose entries must have a meaning; each is kept in its plain form.
    fileprivate mutating func checked(
        _ name: String,
        _ present: [String],
        _ forms: String,
        _ meaning: (String) -> String?
    ) -> [String] {
        guard let texts = strings(name, maximum: 1000) else { return present }
        return texts.enumerated().compactMap { index, text in
            if let plain = meaning(text) { return plain }
            note([.init("\(place(name))/\(index)", "invalid", "must be \(forms)")])
            return nil
        }
    }

    fileprivate mutating func checkAddress(_ text: String, _ name: String) {
        do {
            _ = try NamedMailbox(parsing: text)
        } catch {
            note(name, "invalid_address", error.reason)
        }
    }
}
