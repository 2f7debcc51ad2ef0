/// How important the mail of a receive connector is: each lane has its share of every route.
package enum Lane: String, Hashable, Sendable, CaseIterable {
    case critical, high, normal, low
}
