/// Why a text is no address, as a sentence for whoever wrote it.
package struct AddressError: Error, Equatable, CustomStringConvertible {
    package let reason: String

    package init(_ reason: String) {
        self.reason = reason
    }

    package var description: String { reason }
}
