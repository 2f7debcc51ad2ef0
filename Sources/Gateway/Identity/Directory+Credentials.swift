import Mail
import Store

/// The devices' user names.
extension Directory {
    /// By user name; the case of its letters does not matter.
    func credential(named username: String) -> CredentialRecord? {
        let name = username.lowercased()
        return look { $0.credentials[name]?.record }
    }

    /// By id or by user name.
    func credential(_ reference: String) -> CredentialRecord? {
        guard let id = CredentialID(reference) else {
            let name = reference.lowercased()
            return credentials.first { $0.username.lowercased() == name }
        }
        return credentials.first { $0.id == id }
    }

    /// By user name.
    var credentials: [CredentialRecord] {
        look { content in
            content.credentialRecords.map { record in
                var record = record
                let use = content.credentials[record.username.lowercased()]?.lastUse.value
                record.lastUsedAt = use ?? record.lastUsedAt
                return record
            }
        }
    }

    var hasSealedSecrets: Bool { look { $0.hasSealedSecrets } }

    /// Whom a credential stands for, its password being right. `.invalid` when it is gone meanwhile.
    func use(
        _ record: CredentialRecord,
        from peer: IPAddress,
        at now: Timestamp
    ) throws(CredentialError) -> Identity {
        let name = record.username.lowercased()
        guard let entry = look({ $0.credentials[name] }), entry.record.id == record.id else {
            throw .invalid
        }
        let identity = try entry.identity.admitted(from: peer)
        entry.lastUse.note(now)
        return identity
    }
}
