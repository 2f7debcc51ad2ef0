import Mail
import Policy
import Store
import Wire

/// GET /v1/sources: who has used which door.
enum SourceResource {
    static func list(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try request.allowQuery(["address", "connector", "application", "limit", "cursor"])
        guard let query = try query(of: request, visible: try api.visibleApplication(request))
        else { return answer([], next: nil, api) }
        let page = try await stored { () async throws(StoreError) in
            try await api.gateway.sources.flush()
            return try await api.store.sources(query)
        }
        return answer(page.records, next: page.next, api)
    }

    /// Nil where the filters name something that is not there to be seen.
    private static func query(
        of request: Request,
        visible: VisibleApplication
    ) throws(Problem) -> SourceQuery? {
        var query = SourceQuery(limit: try request.wholeNumber("limit", in: 1...200) ?? 50)
        switch visible {
        case .none: return nil
        case .only(let id): query.application = id
        case .all: break
        }
        if let text = try request.query("cursor") {
            guard let cursor = PageCursor(text) else {
                throw .invalid("", "cursor must be a next_cursor of an earlier answer")
            }
            query.cursor = cursor
        }
        if let text = try request.query("address") {
            guard let range = AddressRange(text) else {
                throw .invalid("", "address must be an address, a CIDR block or a-b")
            }
            query.addresses = range.lower...range.upper
        }
        query.connector = try request.query("connector")
        return query
    }

    private static func answer(
        _ records: [SourceRecord],
        next: PageCursor?,
        _ api: API
    ) -> Answer {
        .json { json in
            json.beginObject()
            json.members("data", records) { $0.write(to: &$1, api.directory) }
            json.member("next_cursor", next?.description)
            json.endObject()
        }
    }
}

extension SourceRecord {
    fileprivate func write(to json: inout JSONWriter, _ directory: Directory) {
        let principal = key.application.map { id in
            directory.application(id.description)?.name ?? id.description
        }
        json.beginObject()
        json.member("id", id)
        json.member("address", key.address.description)
        json.member("connector", key.connector)
        json.member("principal", principal ?? "anonymous")
        json.member("application", key.application?.description)
        json.member("first_seen", sighting.firstSeen)
        json.member("last_seen", sighting.lastSeen)
        json.member("helo", sighting.helo)
        json.member("tls", sighting.tlsVersion)
        json.member("cipher", sighting.tlsCipher)
        json.member("mechanism", sighting.mechanism)
        json.member("quirks", SourceQuirks(rawValue: sighting.quirks).names)
        json.member("messages", sighting.messages)
        json.member("refusals", sighting.refusals)
        json.endObject()
    }
}
