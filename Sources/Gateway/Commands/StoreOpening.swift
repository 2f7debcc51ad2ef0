import Glibc
import Store

/// Opens the store of a configuration, in the words of a command when that fails.
enum StoreOpening {
    static func open(_ configuration: Configuration, log: Log?) throws(CommandFailure) -> MailStore
    {
        let settings = StoreSettings(
            storeFloor: configuration.storeFloor,
            queuedMessages: configuration.queuedMessages,
            log: { notice in
                switch notice {
                case .failed: log?.error("store", ["notice": "\(notice)"])
                case .checked(let problems) where !problems.isEmpty:
                    log?.error("store", ["notice": "\(notice)"])
                default: log?.info("store", ["notice": "\(notice)"])
                }
            }
        )
        do throws(StoreError) {
            return try MailStore(directory: configuration.dataDirectory, settings: settings)
        } catch .unavailable(let reason) where access(configuration.dataDirectory, W_OK) != 0 {
            throw CommandFailure(
                .cannotCreate,
                "the data directory \(configuration.dataDirectory) cannot be used: \(reason)"
            )
        } catch {
            throw CommandFailure(error)
        }
    }
}
