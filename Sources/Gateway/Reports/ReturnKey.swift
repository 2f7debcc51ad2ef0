import Delivery
import Mail
import Synchronization

/// What return addresses are sealed with. It has a file of its own, made when it is first needed:
/// reports about mail of an earlier process come back too.
final class ReturnKey: Sendable {
    private let path: String
    private let log: Log
    private let octets = Mutex<[UInt8]?>(nil)

    init(directory: String, log: Log) {
        path = "\(directory)/return-path.key"
        self.log = log
    }

    /// With its key; nil where there is none to be had, which the log tells.
    func armed(_ returnPath: ReturnPath?) -> ReturnPath? {
        guard var returnPath else { return nil }
        let key = octets.withLock { octets in
            // Reading 32 octets once holds up nobody.
            if octets == nil { octets = load() }
            return octets
        }
        guard let key else { return nil }
        returnPath.key = key
        return returnPath
    }

    func armed(_ settings: DeliverySettings) -> DeliverySettings {
        var settings = settings
        settings.returnPath = armed(settings.returnPath)
        return settings
    }

    private func load() -> [UInt8]? {
        do throws(SecretVaultError) {
            if let key = try KeyFile.read(path) { return key }
            return try KeyFile.make(path)
        } catch {
            log.error("delivery.returnPath is not used", ["reason": "\(error)"])
            return nil
        }
    }
}
